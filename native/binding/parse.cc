#include "parse.h"

#include <cmath>
#include <cstring>
#include <string>

#include "../cpu/block_format.h"

namespace polywen::binding {
namespace {

[[noreturn]] void refuse(Napi::Env env, const std::string& key, const char* expected) {
  throw Napi::TypeError::New(env, key + " must be " + expected);
}

int64_t integer_of(const Napi::Value& value, const std::string& key) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (!(std::abs(number) <= 0x1p53) || number != std::floor(number)) refuse(value.Env(), key, "an integer");
  return static_cast<int64_t>(number);
}

template <typename Value, size_t Count>
Value named(const Napi::Object& object, const char* key, const std::pair<const char*, Value> (&names)[Count]) {
  const std::string text = text_at(object, key);
  for (const auto& [name, value] : names) {
    if (text == name) return value;
  }
  refuse(object.Env(), key, "a known name");
}

constexpr std::pair<const char*, Storage> kStorages[] = {
    {"f32", Storage::f32},       {"bf16", Storage::bf16},   {"f16", Storage::f16},   {"q4_0", Storage::q4_0}, {"q4_1", Storage::q4_1},
    {"q5_0", Storage::q5_0},     {"q5_1", Storage::q5_1},   {"q8_0", Storage::q8_0}, {"q2_k", Storage::q2_k}, {"q3_k", Storage::q3_k},
    {"q4_k", Storage::q4_k},     {"q5_k", Storage::q5_k},   {"q6_k", Storage::q6_k}, {"mxfp4", Storage::mxfp4},
    {"iq4_nl", Storage::iq4_nl}, {"q4_z", Storage::q4_z},
};
constexpr std::pair<const char*, DType> kDTypes[] = {{"f32", DType::f32}, {"bf16", DType::bf16}, {"i32", DType::i32}, {"u32", DType::u32}};
constexpr std::pair<const char*, Role> kRoles[] = {{"weight", Role::weight},
                                                   {"input", Role::input},
                                                   {"temporary", Role::temporary},
                                                   {"output", Role::output},
                                                   {"resource", Role::resource}};

// Storage and shape, without which there is nothing to read.
WeightSource parse_layout(const Napi::Object& weight) {
  const std::vector<int64_t> shape = integers_at(weight, "shape");
  if (shape.empty() || shape.size() > 2) refuse(weight.Env(), "shape", "of one or two axes");
  for (const int64_t length : shape) {
    if (length < 1 || length > INT32_MAX) refuse(weight.Env(), "shape", "positive");
  }
  WeightSource source = {};
  source.storage = named(weight, "dtype", kStorages);
  source.out = shape.size() == 2 ? static_cast<int>(shape[0]) : 0;
  source.in = static_cast<int>(shape.back());
  if (source.in % block_format(source.storage).stored_values != 0) refuse(weight.Env(), "shape", "of whole blocks");
  return source;
}

WeightSource parse_weight(const Napi::Object& weight) {
  WeightSource source = parse_layout(weight);
  source.name = text_at(weight, "name");
  const Napi::Value bytes = weight.Get("bytes");
  if (!bytes.IsTypedArray()) {
    source.file = text_at(weight, "file");
    source.offset = integer_at(weight, "offset");
    if (source.offset < 0) refuse(weight.Env(), "offset", "positive");
    return source;
  }
  const Napi::TypedArray array = bytes.As<Napi::TypedArray>();
  if (static_cast<int64_t>(array.ByteLength()) != source.byte_length()) refuse(weight.Env(), "bytes", "as long as shape says");
  source.bytes = static_cast<const char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  return source;
}

Tensor parse_tensor(const Napi::Object& source, const std::vector<int64_t>& capacities, std::vector<Napi::ObjectReference>& buffers) {
  Tensor tensor;
  tensor.name = text_at(source, "name");
  tensor.dtype = named(source, "dtype", kDTypes);
  tensor.role = named(source, "role", kRoles);
  const Napi::Object rows = object_at(source, "rows");
  tensor.rows = {static_cast<int>(integer_at(rows, "dimension")), integer_at(rows, "multiply"), integer_at(rows, "divide")};
  if (tensor.rows.dimension >= static_cast<int>(capacities.size()) || tensor.rows.divide < 1) refuse(source.Env(), "rows", "an extent");
  tensor.axes = integers_at(source, "axes");
  tensor.alias = static_cast<int>(integer_at(source, "alias"));
  tensor.offset = integer_at(source, "offset");
  const Napi::Value buffer = source.Get("buffer");
  if (!buffer.IsArrayBuffer()) return tensor;
  Napi::ArrayBuffer array = buffer.As<Napi::ArrayBuffer>();
  const int64_t needed = tensor.rows.resolve(capacities) * tensor.row_length() * 4;
  if (static_cast<int64_t>(array.ByteLength()) < needed) refuse(source.Env(), "buffer", "large enough");
  tensor.shared = array.Data();
  buffers.push_back(Napi::Persistent(array.As<Napi::Object>()));
  return tensor;
}

template <typename Wrapper>
Wrapper* unwrap(const Napi::Object& object, const Napi::FunctionReference& constructor) {
  if (!object.InstanceOf(constructor.Value())) refuse(object.Env(), "a handle", "of this backend");
  return Wrapper::Unwrap(object);
}

}  // namespace

Napi::Object object_at(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (!value.IsObject()) refuse(object.Env(), key, "an object");
  return value.As<Napi::Object>();
}

std::string text_at(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (!value.IsString()) refuse(object.Env(), key, "a string");
  return value.As<Napi::String>().Utf8Value();
}

double number_at(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (!value.IsNumber()) refuse(object.Env(), key, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

int64_t integer_at(const Napi::Object& object, const char* key) { return integer_of(object.Get(key), key); }

std::vector<int64_t> integers_at(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (!value.IsArray()) refuse(object.Env(), key, "an array");
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<int64_t> integers(array.Length());
  for (uint32_t i = 0; i < array.Length(); i++) integers[i] = integer_of(array.Get(i), key);
  return integers;
}

double parse_packed_bytes(const Napi::Object& weight) {
  const WeightSource source = parse_layout(weight);
  return static_cast<double>(packed_bytes(source.storage, source.out, source.in));
}

std::vector<WeightSource> parse_weights(const Napi::Array& list) {
  std::vector<WeightSource> weights;
  for (uint32_t i = 0; i < list.Length(); i++) weights.push_back(parse_weight(list.Get(i).As<Napi::Object>()));
  return weights;
}

ResourceSpec parse_resource(const Napi::Object& spec) {
  ResourceSpec parsed = {text_at(spec, "name"), named(spec, "dtype", kStorages), integers_at(spec, "shape"), spec.Get("paged").ToBoolean().Value()};
  if (parsed.shape.empty() || (parsed.paged && parsed.shape.size() != 3)) refuse(spec.Env(), "shape", "of three axes if paged");
  return parsed;
}

ProgramParts parse_program(const Napi::Object& program, const Classes& classes, std::vector<Napi::ObjectReference>& buffers) {
  ProgramParts parts;
  parts.name = text_at(program, "name");
  parts.capacities = integers_at(program, "capacities");
  const Napi::Array tensors = object_at(program, "tensors").As<Napi::Array>();
  for (uint32_t i = 0; i < tensors.Length(); i++) parts.tensors.push_back(parse_tensor(tensors.Get(i).As<Napi::Object>(), parts.capacities, buffers));
  const Napi::Array operations = object_at(program, "operations").As<Napi::Array>();
  for (uint32_t i = 0; i < operations.Length(); i++) {
    for (Operation& operation : parse_operation(operations.Get(i).As<Napi::Object>())) parts.operations.push_back(std::move(operation));
  }
  parts.arena_bytes = static_cast<size_t>(integer_at(program, "arenaByteLength"));
  parts.weights = unwrap<WeightsObject>(object_at(program, "weights"), classes.weights)->weights();
  const Napi::Array resources = object_at(program, "resources").As<Napi::Array>();
  for (uint32_t i = 0; i < resources.Length(); i++) {
    const Napi::Object entry = resources.Get(i).As<Napi::Object>();
    const ResourceObject* object = unwrap<ResourceObject>(object_at(entry, "resource"), classes.resource);
    parts.resources.emplace_back(static_cast<int>(integer_at(entry, "tensor")), object->resource());
  }
  return parts;
}

}  // namespace polywen::binding
