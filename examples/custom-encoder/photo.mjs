import { defineModality, mlpConnector, openEncoder } from "polywen";

/**
 * Pictures through a published encoder. Its weights stay in its own folder; those of the connector are ours.
 * @param {string} folder
 */
export async function photo(folder) {
  return defineModality({ name: "photo", encoder: await openEncoder(folder), connector: mlpConnector({ hidden: 256 }) });
}
