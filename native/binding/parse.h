// JavaScript objects as C++ structs. The TypeScript side has validated them; what does not have the promised type
// still throws a TypeError and nothing worse.
#pragma once
#include <napi.h>

#include <vector>

#include "../cpu/program.h"
#include "../cpu/resource.h"
#include "../cpu/weights.h"
#include "objects.h"

namespace polywen::binding {

// Weights in memory point into JavaScript buffers: the caller keeps `list` alive while they are read.
std::vector<WeightSource> parse_weights(const Napi::Array& list);

// Bytes that a weight of this dtype and shape takes once it is loaded.
double parse_packed_bytes(const Napi::Object& weight);

ResourceSpec parse_resource(const Napi::Object& spec);

// Adds a reference to each buffer of an input or output to `buffers`.
ProgramParts parse_program(const Napi::Object& program, const Classes& classes, std::vector<Napi::ObjectReference>& buffers);

// The operation, or nothing for a reshape.
std::vector<Operation> parse_operation(const Napi::Object& operation);

// ---- Properties; each throws a TypeError that names what is missing ----

Napi::Object object_at(const Napi::Object& object, const char* key);
std::string text_at(const Napi::Object& object, const char* key);
double number_at(const Napi::Object& object, const char* key);
int64_t integer_at(const Napi::Object& object, const char* key);
std::vector<int64_t> integers_at(const Napi::Object& object, const char* key);

}  // namespace polywen::binding
