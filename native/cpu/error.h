// The one exception of the native code: a stable code and facts, which TypeScript turns into its own error classes.
#pragma once
#include <exception>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace polywen {

class Error : public std::exception {
 public:
  using Facts = std::vector<std::pair<const char*, std::variant<std::string, double>>>;

  Error(const char* code, Facts facts) : code_(code), facts_(std::move(facts)) {}

  const char* what() const noexcept override { return code_; }
  const char* code() const { return code_; }
  const Facts& facts() const { return facts_; }

 private:
  const char* code_;
  Facts facts_;
};

inline Error out_of_memory(const std::string& what, double bytes) {
  return Error("OUT_OF_MEMORY", {{"what", what}, {"requested", bytes}});
}

}  // namespace polywen
