#include "executor.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <variant>

#include "run.h"

namespace polywen {
namespace {

size_t valid_bytes(const Tensor& tensor, const std::vector<int64_t>& sizes) {
  return static_cast<size_t>(tensor.rows.resolve(sizes) * tensor.row_length()) * sizeof(int32_t);
}

void copy_inputs(const Program& program, const std::vector<int64_t>& sizes) {
  for (const Tensor& tensor : program.tensors()) {
    if (tensor.role == Role::input && is_mirrored(tensor)) memcpy(tensor.data, tensor.shared, valid_bytes(tensor, sizes));
  }
}

void copy_outputs(const Program& program, const std::vector<int64_t>& sizes) {
  for (const Tensor& tensor : program.tensors()) {
    if (tensor.role == Role::output && is_mirrored(tensor)) memcpy(tensor.shared, tensor.data, valid_bytes(tensor, sizes));
  }
}

// The linear operations from `first` on that read the same input.
std::vector<const Linear*> linear_together(const std::vector<Operation>& operations, size_t first) {
  std::vector<const Linear*> together;
  for (size_t i = first; i < operations.size() && together.size() < Run::kMostTogether; i++) {
    const Linear* linear = std::get_if<Linear>(&operations[i]);
    if (!linear || (!together.empty() && linear->input != together[0]->input)) break;
    together.push_back(linear);
  }
  return together;
}

void check_sizes(const Program& program, const std::vector<int64_t>& sizes) {
  bool valid = sizes.size() == program.capacities().size();
  for (size_t i = 0; valid && i < sizes.size(); i++) valid = sizes[i] >= 0 && sizes[i] <= program.capacities()[i];
  if (!valid) throw Error("ARGUMENT_INVALID", {{"argument", "sizes"}, {"expected", "one size per dimension, within its capacity"}, {"received", "others"}});
}

}  // namespace

void execute(const Program& program, const std::vector<int64_t>& sizes, const Kernels& kernels, ThreadPool& pool, bool int8, bool background, const Pause& pause) try {
  const Program::Lock lock(program);
  check_sizes(program, sizes);
  copy_inputs(program, sizes);
  Run run(program, sizes, kernels, pool, int8, background ? pause : Pause());
  run.arrange_pages();
  const std::vector<Operation>& operations = program.operations();
  for (size_t next = 0; next < operations.size();) {
    pause();
    const std::vector<const Linear*> together = linear_together(operations, next);
    if (together.empty()) std::visit(run, operations[next]);
    else run.run_linear(together);
    next += std::max<size_t>(1, together.size());
  }
  copy_outputs(program, sizes);
} catch (const std::bad_alloc&) {
  throw out_of_memory("a run of " + program.name(), 0);
}

}  // namespace polywen
