#include "errors.h"

#include <new>
#include <string>
#include <variant>

#include "../cpu/error.h"

namespace polywen::binding {
namespace {

Napi::Object make_error(Napi::Env env, const char* code, const Error::Facts& facts) {
  Napi::Object error = Napi::Error::New(env, code).Value();
  Napi::Object values = Napi::Object::New(env);
  for (const auto& [name, fact] : facts) {
    if (const double* number = std::get_if<double>(&fact)) values.Set(name, *number);
    else values.Set(name, std::get<std::string>(fact));
  }
  error.Set("code", code);
  error.Set("facts", values);
  return error;
}

}  // namespace

Napi::Object error_object(Napi::Env env, const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    return make_error(env, error.code(), error.facts());
  } catch (const std::bad_alloc&) {
    return make_error(env, "OUT_OF_MEMORY", {{"what", "the native backend"}, {"requested", 0.0}});
  } catch (const std::exception& error) {
    return make_error(env, "INTERNAL", {{"problem", error.what()}});
  } catch (...) {
    return make_error(env, "INTERNAL", {{"problem", "an unknown exception"}});
  }
}

}  // namespace polywen::binding
