export { createCpuBackend, type CpuBackendOptions } from "./cpu-backend.ts";
