#include <string>
#include <vector>

#include "parse.h"

namespace polywen::binding {
namespace {

// The operands of one operation by name.
class Operands {
 public:
  explicit Operands(Napi::Object object) : object_(object) {}

  int id(const char* key) const { return static_cast<int>(integer_at(object_, key)); }
  int optional(const char* key) const { return object_.Get(key).IsUndefined() ? -1 : id(key); }
  float number(const char* key) const { return static_cast<float>(number_at(object_, key)); }
  std::string text(const char* key) const { return text_at(object_, key); }
  bool truth(const char* key) const { return object_.Get(key).ToBoolean().Value(); }
  bool has(const char* key) const { return object_.Get(key).IsObject(); }
  Operands at(const char* key) const { return Operands(object_at(object_, key)); }
  std::vector<int32_t> list(const char* key) const {
    const std::vector<int64_t> values = integers_at(object_, key);
    return {values.begin(), values.end()};
  }

 private:
  Napi::Object object_;
};

Activation activation_of(const std::string& name) {
  if (name == "silu") return Activation::silu;
  if (name == "gelu") return Activation::gelu;
  if (name == "gelu-tanh") return Activation::gelu_tanh;
  if (name == "quick-gelu") return Activation::quick_gelu;
  throw Error("UNSUPPORTED", {{"feature", "activation " + name}});
}

Attention parse_attention(const Operands& operation) {
  const Operands source = operation.at("source");
  Attention attention = {};
  attention.query = operation.id("query");
  attention.keys = source.id("keys");
  attention.values = source.id("values");
  attention.spans = operation.id("spans");
  attention.paged = source.text("kind") == "paged";
  attention.sequence = source.optional("sequence");
  attention.page_spans = source.optional("pageSpans");
  attention.pages = source.optional("pages");
  attention.scale = operation.number("scale");
  attention.output = operation.id("output");
  return attention;
}

}  // namespace

std::vector<Operation> parse_operation(const Napi::Object& object) {
  const Operands o(object);
  const std::string kind = o.text("kind");
  if (kind == "reshape") return {};
  if (kind == "embedding") {
    const bool media = o.has("media");
    return {Embedding{o.id("ids"), o.id("table"), media ? o.at("media").id("rows") : -1, media ? o.at("media").id("index") : -1, o.id("output")}};
  }
  if (kind == "gather") return {Gather{o.id("source"), o.id("indices"), o.text("combine") == "mean", o.id("output")}};
  if (kind == "linear") return {Linear{o.id("input"), o.id("weight"), o.optional("bias"), o.id("output")}};
  if (kind == "rms-norm") return {Norm{false, o.id("input"), o.id("weight"), -1, o.number("epsilon"), o.id("output")}};
  if (kind == "layer-norm") return {Norm{true, o.id("input"), o.id("weight"), o.optional("bias"), o.number("epsilon"), o.id("output")}};
  if (kind == "rotary") {
    return {Rotary{o.id("input"), o.id("positions"), o.id("frequencies"), o.optional("set"), o.list("axes"), o.number("scale"), o.id("output")}};
  }
  if (kind == "activation") return {Activate{activation_of(o.text("function")), o.id("input"), o.id("output")}};
  if (kind == "add") return {Combine{Combine::Kind::add, o.id("left"), o.id("right"), o.id("output")}};
  if (kind == "multiply") return {Combine{Combine::Kind::multiply, o.id("left"), o.id("right"), o.id("output")}};
  if (kind == "swiglu") return {Combine{Combine::Kind::swiglu, o.id("gate"), o.id("up"), o.id("output")}};
  if (kind == "scale") return {Scale{o.id("input"), o.id("weight"), o.id("output")}};
  if (kind == "attention") return {parse_attention(o)};
  if (kind == "store") return {Store{o.id("input"), o.id("target"), o.id("slots")}};
  if (kind == "route") return {Route{o.id("logits"), o.text("scoring") == "sigmoid", o.id("count"), o.truth("normalise"), o.id("experts"), o.id("weights")}};
  if (kind == "experts") return {Experts{o.id("input"), o.id("experts"), o.id("weights"), o.id("gate"), o.id("up"), o.id("down"), o.id("output")}};
  if (kind == "sample") {
    return {Sample{o.id("logits"), o.id("parameters"), o.id("seeds"), o.id("historySpans"), o.id("history"), o.id("token"), o.id("logprob"),
                   o.id("topTokens"), o.id("topLogprobs")}};
  }
  throw Error("UNSUPPORTED", {{"feature", "operation " + kind}});
}

}  // namespace polywen::binding
