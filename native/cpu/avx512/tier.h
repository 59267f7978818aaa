// Whether this file is compiled for the tier: with its instructions, or with others that stand for them.
#pragma once
#if defined(POLYWEN_EMULATE_AVX512) || (defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__) && defined(__AVX512VNNI__))
#define POLYWEN_HAS_AVX512
#endif
