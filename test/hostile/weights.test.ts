import { ggufCases } from "./cases/gguf-cases.ts";
import { mmprojCases } from "./cases/mmproj-cases.ts";
import { quantisedCases } from "./cases/quantised-cases.ts";
import { weightCases } from "./cases/weight-cases.ts";
import { describeCases } from "./describe-cases.ts";

describeCases({ GGUF: ggufCases, "projectors of GGUF": mmprojCases, weights: weightCases, "quantised weights": quantisedCases });
