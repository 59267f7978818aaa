// Quantised blocks into panels.
#pragma once
#include <cstdint>

#include "../kernels.h"

namespace polywen::generic {

// Packs 16 rows, of which the first `rows` are there and the others zero.
void pack_block_panel(Storage storage, const uint8_t* stored, int rows, int in, uint8_t* panel);

}  // namespace polywen::generic
