// The entry point. Everything it registers belongs to one environment: worker threads load the addon anew.
#include <napi.h>

#include "engine.h"
#include "objects.h"

namespace polywen::binding {
namespace {

constexpr int kApiVersion = 3;  // that of packages/cpu-kernels/src/addon-types.ts

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
  return exports;
}

}  // namespace
}  // namespace polywen::binding

using polywen::binding::initialise;
NODE_API_MODULE(polywen_cpu, initialise)
