import type { WeightNaming } from "@polywen/core";
import type { Connector } from "@polywen/cross-modal";
import type { OmniAudioConfig } from "./omni-audio-config.ts";

/** The last linear layer of the Omni audio tower as a connector. */
export function audioProjection(config: OmniAudioConfig, naming: WeightNaming): Connector {
  return {
    stack: 1,
    naming,
    build: (builder, features, hiddenSize) =>
      builder.linear(features, builder.weight("audio_tower.proj.weight", [hiddenSize, config.width]), builder.weight("audio_tower.proj.bias", [hiddenSize])),
  };
}
