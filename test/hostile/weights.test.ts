import { weightCases } from "./cases/weight-cases.ts";
import { describeCases } from "./describe-cases.ts";

describeCases({ weights: weightCases });
