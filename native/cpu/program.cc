#include "program.h"

#include <algorithm>
#include <utility>

#include "block_format.h"

namespace polywen {
namespace {

constexpr size_t kAlignment = 64;

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t axis = 0; axis < shape.size(); axis++) text += (axis ? ", " : "") + std::to_string(shape[axis]);
  return text + "]";
}

std::vector<int64_t> shape_of(const Tensor& tensor) {
  std::vector<int64_t> shape = {tensor.rows.multiply};
  shape.insert(shape.end(), tensor.axes.begin(), tensor.axes.end());
  return shape;
}

void expect_shape(const std::string& what, const std::vector<int64_t>& expected, const std::vector<int64_t>& received) {
  if (expected == received) return;
  throw Error("ARGUMENT_INVALID", {{"argument", "shape of " + what}, {"expected", shape_text(expected)}, {"received", shape_text(received)}});
}

}  // namespace

bool has_quantised(const Tensor& weight) {
  if (weight.weight) return is_quantised(weight.weight->storage);
  return std::any_of(weight.stack.begin(), weight.stack.end(), [](const Weight* matrix) { return is_quantised(matrix->storage); });
}

Program::Program(ProgramParts parts) : parts_(std::move(parts)) {
  for (Tensor& tensor : parts_.tensors) {
    if (tensor.role == Role::weight) bind_weight(tensor);
  }
  bind_resources();
  place_buffers();
  place_quantised_input();
  check_attention();
  weights_ = parts_.weights;
  parts_.weights.reset();
  for (auto& [id, resource] : parts_.resources) resources_.push_back(resource);
  parts_.resources.clear();
}

const Weight* Program::find_weight(const Tensor& tensor, const std::string& name, const std::vector<int64_t>& expected) const {
  const Weight* weight = parts_.weights->find(name);
  if (!weight) throw Error("NOT_FOUND", {{"what", "weight"}, {"name", tensor.name}});
  std::vector<int64_t> shape = {weight->in};
  if (weight->out > 0) shape.insert(shape.begin(), weight->out);
  expect_shape("weight " + tensor.name, expected, shape);
  return weight;
}

// The matrices of a stack are weights of their own, numbered behind a #.
void Program::bind_weight(Tensor& tensor) {
  if (tensor.axes.size() < 2) {
    tensor.weight = find_weight(tensor, tensor.name, shape_of(tensor));
    tensor.data = tensor.weight->memory.data();
    return;
  }
  for (int64_t index = 0; index < tensor.rows.multiply; index++) {
    tensor.stack.push_back(find_weight(tensor, tensor.name + "#" + std::to_string(index), tensor.axes));
  }
}

void Program::bind_resources() {
  for (const auto& [id, resource] : parts_.resources) {
    Tensor& tensor = parts_.tensors[static_cast<size_t>(id)];
    const ResourceSpec& spec = resource->spec();
    expect_shape("resource " + tensor.name, shape_of(tensor), spec.shape);
    const bool same = (spec.storage == Storage::bf16) == (tensor.dtype == DType::bf16);
    if (!same) {
      const auto name = [](bool bf16) { return std::string(bf16 ? "bf16" : "f32"); };
      throw Error("ARGUMENT_INVALID", {{"argument", "dtype of resource " + tensor.name},
                                       {"expected", name(tensor.dtype == DType::bf16)},
                                       {"received", name(spec.storage == Storage::bf16)}});
    }
    tensor.resource = resource.get();
  }
}

// Temporaries lie in the arena as planned, the mirrors of integers behind them.
void Program::place_buffers() {
  size_t bytes = aligned(parts_.arena_bytes);
  std::vector<size_t> mirrors(parts_.tensors.size());
  for (size_t id = 0; id < mirrors.size(); id++) {
    const Tensor& tensor = parts_.tensors[id];
    if (!is_mirrored(tensor)) continue;
    mirrors[id] = bytes;
    bytes += aligned(static_cast<size_t>(tensor.rows.resolve(parts_.capacities) * tensor.row_length()) * sizeof(int32_t));
  }
  arena_ = Buffer("arena of " + parts_.name, bytes);
  for (size_t id = 0; id < mirrors.size(); id++) {
    Tensor& tensor = parts_.tensors[id];
    if (is_mirrored(tensor)) tensor.data = arena_.data() + mirrors[id];
    else if (tensor.shared) tensor.data = static_cast<char*>(tensor.shared);
    else if (tensor.offset >= 0) tensor.data = arena_.data() + tensor.offset;
  }
  for (Tensor& tensor : parts_.tensors) {
    if (tensor.alias >= 0) tensor.data = parts_.tensors[static_cast<size_t>(tensor.alias)].data;
  }
}

void Program::place_quantised_input() {
  int64_t blocks = 0;
  const auto add = [&](int weight_id, int64_t rows) {
    const Tensor& weight = tensor(weight_id);
    if (has_quantised(weight)) blocks = std::max(blocks, rows * ((weight.axes.back() + kLinearBlock - 1) / kLinearBlock));
  };
  for (const Operation& operation : parts_.operations) {
    if (const Linear* linear = std::get_if<Linear>(&operation)) add(linear->weight, tensor(linear->input).rows.resolve(parts_.capacities));
    if (const Experts* experts = std::get_if<Experts>(&operation)) {
      const Tensor& chosen = tensor(experts->experts);
      const int64_t slots = chosen.rows.resolve(parts_.capacities) * chosen.axes[0];
      for (const int weight : {experts->gate, experts->up, experts->down}) add(weight, slots);
    }
  }
  if (blocks > 0) quantised_ = Buffer("quantised inputs of " + parts_.name, static_cast<size_t>(blocks) * sizeof(InputBlock));
}

// Limits of the attention kernels, and resources that cannot be laid out for keys and for values at once.
void Program::check_attention() const {
  std::vector<const Resource*> keys, values;
  for (const Operation& operation : parts_.operations) {
    const Attention* attention = std::get_if<Attention>(&operation);
    if (!attention) continue;
    const int64_t width = tensor(attention->query).axes[1];
    if (width > kMaxHeadWidth) throw Error("UNSUPPORTED", {{"feature", "attention over heads of width " + std::to_string(width)}});
    if (!attention->paged) continue;
    keys.push_back(tensor(attention->keys).resource);
    values.push_back(tensor(attention->values).resource);
  }
  for (const Resource* resource : keys) {
    if (std::find(values.begin(), values.end(), resource) == values.end()) continue;
    throw Error("UNSUPPORTED", {{"feature", "resource " + resource->spec().name + " as keys and as values"}});
  }
}

Program::Lock::Lock(const Program& program) {
  weights_ = program.weights_.lock();
  if (!weights_) throw Error("DISPOSED", {{"object", "weights"}});
  for (const std::weak_ptr<Resource>& resource : program.resources_) {
    resources_.push_back(resource.lock());
    if (!resources_.back()) throw Error("DISPOSED", {{"object", "a resource of " + program.name()}});
  }
}

}  // namespace polywen
