// A compiled program: operations over tensors whose memory is known.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "buffer.h"
#include "kernels.h"
#include "resource.h"
#include "weights.h"

namespace polywen {

enum class DType : uint8_t { f32, bf16, i32, u32 };
enum class Role : uint8_t { weight, input, temporary, output, resource };

// Length of a first axis: `multiply` alone, or the size of a dimension times `multiply` divided by `divide`.
struct Extent {
  int dimension = -1;
  int64_t multiply = 1;
  int64_t divide = 1;

  int64_t resolve(const std::vector<int64_t>& sizes) const {
    return dimension < 0 ? multiply : sizes[static_cast<size_t>(dimension)] * multiply / divide;
  }
};

struct Tensor {
  std::string name;
  DType dtype;
  Role role;
  Extent rows;                // first axis
  std::vector<int64_t> axes;  // the others
  int alias = -1;             // a reshape of a tensor outside the arena: that tensor
  int64_t offset = -1;        // temporaries: where in the arena
  void* shared = nullptr;     // inputs and outputs: the caller's buffer of full capacity

  // Set by the program.
  char* data = nullptr;
  const Weight* weight = nullptr;
  std::vector<const Weight*> stack;  // a stacked weight: its matrices
  Resource* resource = nullptr;

  int64_t row_length() const {
    int64_t product = 1;
    for (const int64_t axis : axes) product *= axis;
    return product;
  }
};

// Whether some matrix of a weight or of a stack is of quantised blocks.
bool has_quantised(const Tensor& weight);

// Operands are indices of tensors, -1 for none. The operations of the tensor package, one struct each.
struct Embedding {
  int ids, table, media_rows, media_index, output;
};
struct Gather {
  int source, indices;
  bool mean;
  int output;
};
struct Linear {
  int input, weight, bias, output;
};
struct Norm {
  bool layer;
  int input, weight, bias;
  float epsilon;
  int output;
};
struct Rotary {
  int input, positions, frequencies, set;
  std::vector<int32_t> axes;
  float scale;
  int output;
};
struct Activate {
  Activation function;
  int input, output;
};
struct Combine {
  enum class Kind : uint8_t { add, multiply, swiglu } kind;
  int left, right, output;
};
struct Scale {
  int input, weight, output;
};
struct Attention {
  int query, keys, values, spans;
  bool paged;
  int sequence, page_spans, pages;  // paged only
  float scale;
  int output;
};
struct Store {
  int input, target, slots;
};
struct Route {
  int logits;
  bool sigmoid;
  int count;
  bool normalise;
  int experts, weights;
};
struct Experts {
  int input, experts, weights;
  int gate, up, down;
  int output;
};
struct Sample {
  int logits, parameters, seeds, history_spans, history;
  int token, logprob, top_tokens, top_logprobs;
};
using Operation = std::variant<Embedding, Gather, Linear, Norm, Rotary, Activate, Combine, Scale, Attention, Store, Route, Experts, Sample>;

// What a program is made from. Whoever makes it has validated it: shapes and roles fit, memory is planned.
struct ProgramParts {
  std::string name;
  std::vector<int64_t> capacities;  // of the dimensions
  std::vector<Tensor> tensors;
  std::vector<Operation> operations;
  size_t arena_bytes;
  std::shared_ptr<Weights> weights;
  std::vector<std::pair<int, std::shared_ptr<Resource>>> resources;  // by tensor
};

class Program {
 public:
  // Throws NOT_FOUND or ARGUMENT_INVALID where weights and resources do not fit, UNSUPPORTED, OUT_OF_MEMORY.
  explicit Program(ProgramParts parts);

  const std::string& name() const { return parts_.name; }
  const Tensor& tensor(int id) const { return parts_.tensors[static_cast<size_t>(id)]; }
  const std::vector<Tensor>& tensors() const { return parts_.tensors; }
  const std::vector<Operation>& operations() const { return parts_.operations; }
  const std::vector<int64_t>& capacities() const { return parts_.capacities; }
  size_t arena_bytes() const { return arena_.bytes() + quantised_.bytes(); }
  // Room for the quantised form of the input of any linear operation or experts; untouched where there is none.
  InputBlock* quantised_input() const { return reinterpret_cast<InputBlock*>(quantised_.data()); }

  // Keeps weights and resources alive while it exists. Throws DISPOSED if one of them is gone.
  class Lock {
   public:
    explicit Lock(const Program& program);

   private:
    std::shared_ptr<Weights> weights_;
    std::vector<std::shared_ptr<Resource>> resources_;
  };

 private:
  void bind_weight(Tensor& tensor);
  const Weight* find_weight(const Tensor& tensor, const std::string& name, const std::vector<int64_t>& expected) const;
  void bind_resources();
  void place_buffers();
  void place_quantised_input();
  void check_attention() const;

  ProgramParts parts_;
  Buffer arena_;
  Buffer quantised_;
  std::weak_ptr<Weights> weights_;
  std::vector<std::weak_ptr<Resource>> resources_;
};

// True for tensors of integers that the caller shares: a run works on a copy, which nobody can change behind the
// checks of its indices.
inline bool is_mirrored(const Tensor& tensor) {
  return tensor.shared && (tensor.dtype == DType::i32 || tensor.dtype == DType::u32);
}

}  // namespace polywen
