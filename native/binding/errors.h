// Native errors as JavaScript errors: { code, message, facts }, which TypeScript turns into its own classes.
#pragma once
#include <napi.h>

#include <exception>

namespace polywen::binding {

// The JavaScript error of any exception.
Napi::Object error_object(Napi::Env env, const std::exception_ptr& exception);

// Calls `body`; whatever it throws becomes a JavaScript exception.
template <typename Body>
auto translate_errors(Napi::Env env, const Body& body) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw Napi::Error(env, error_object(env, std::current_exception()));
  }
}

}  // namespace polywen::binding
