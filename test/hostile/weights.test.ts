import { describeCases } from "./describe-cases.ts";
import { weightCases } from "./cases/weight-cases.ts";

describeCases("weights", weightCases);
