// The entry point. Everything it registers belongs to one environment: worker threads load the addon anew.
#include <napi.h>

#include "engine.h"
#include "objects.h"
#include "parse.h"

namespace polywen::binding {
namespace {

constexpr int kApiVersion = 5;  // that of packages/cpu-kernels/src/addon-types.ts

Napi::Value weight_bytes(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject()) throw Napi::TypeError::New(info.Env(), "a weight is expected");
  return Napi::Number::New(info.Env(), parse_packed_bytes(info[0].As<Napi::Object>()));
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  auto* classes = new Classes;
  classes->control = Napi::Persistent(ControlObject::define(env));
  classes->weights = Napi::Persistent(WeightsObject::define(env));
  classes->resource = Napi::Persistent(ResourceObject::define(env));
  classes->program = Napi::Persistent(ProgramObject::define(env));
  env.SetInstanceData(classes);
  exports.Set("apiVersion", kApiVersion);
  exports.Set("Engine", EngineObject::define(env));
  exports.Set("Control", classes->control.Value());
  exports.Set("Resource", classes->resource.Value());
  exports.Set("Program", classes->program.Value());
  exports.Set("weightBytes", Napi::Function::New(env, weight_bytes, "weightBytes"));
  return exports;
}

}  // namespace
}  // namespace polywen::binding

using polywen::binding::initialise;
NODE_API_MODULE(polywen_cpu, initialise)
