export { kvBytesPerRow, kvNames, kvResourceSpecs, type KvDType, type KvShape } from "./kv-resources.ts";
export { IndexPool } from "./index-pool.ts";
export { pagesFor, SequencePages } from "./sequence-pages.ts";
