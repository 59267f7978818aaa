#include "engine.h"

#include <utility>

#include "../cpu/device_speed.h"
#include "../cpu/dispatch.h"
#include "../cpu/executor.h"
#include "errors.h"
#include "objects.h"
#include "parse.h"

namespace polywen::binding {
namespace {

std::shared_ptr<Control> control_of(const Napi::Value& value, const Classes& classes) {
  const bool valid = value.IsObject() && value.As<Napi::Object>().InstanceOf(classes.control.Value());
  if (!valid) throw Napi::TypeError::New(value.Env(), "expected a control");
  return ControlObject::Unwrap(value.As<Napi::Object>())->control();
}

}  // namespace

Napi::Function EngineObject::define(Napi::Env env) {
  return DefineClass(env, "Engine",
                     {InstanceAccessor<&EngineObject::tier>("tier"), InstanceMethod<&EngineObject::load_weights>("loadWeights"),
                      InstanceMethod<&EngineObject::run>("run"), InstanceMethod<&EngineObject::measure_speed>("measureSpeed"),
                      InstanceMethod<&EngineObject::close>("close")});
}

EngineObject::EngineObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Object options = info[0].As<Napi::Object>();
  translate_errors(info.Env(), [&] {
    kernels_ = &select_kernels(text_at(options, "tier"));
    int8_ = text_at(options, "activations") == "int8";
    pool_ = std::make_shared<ThreadPool>(static_cast<int>(integer_at(options, "threads")));
    queue_ = std::make_unique<JobQueue>(info.Env());
  });
}

Napi::Value EngineObject::tier(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), kernels_->tier); }

std::unique_ptr<Job> EngineObject::new_job(Napi::Env env, std::shared_ptr<Control> control) {
  auto job = std::make_unique<Job>(env);
  job->control = std::move(control);
  job->keep(Value());
  return job;
}

// loadWeights(list, control): Promise<Weights>
Napi::Value EngineObject::load_weights(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Array list = info[0].As<Napi::Array>();
  const Classes& classes = *env.GetInstanceData<Classes>();
  auto job = new_job(env, control_of(info[1], classes));
  job->keep(list.As<Napi::Object>());
  auto sources = std::make_shared<std::vector<WeightSource>>(parse_weights(list));
  auto weights = std::make_shared<std::shared_ptr<Weights>>();
  job->work = [=, pool = pool_, control = job->control] { *weights = std::make_shared<Weights>(*sources, *pool, *control); };
  job->result = [=](Napi::Env result_env) -> Napi::Value {
    const Classes& constructors = *result_env.GetInstanceData<Classes>();
    return constructors.weights.New({Napi::External<std::shared_ptr<Weights>>::New(result_env, weights.get())});
  };
  return translate_errors(env, [&] { return queue_->add(std::move(job)); });
}

// run(program, sizes, control, background): Promise<void>
Napi::Value EngineObject::run(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Classes& classes = *env.GetInstanceData<Classes>();
  const Napi::Object object = info[0].As<Napi::Object>();
  if (!object.InstanceOf(classes.program.Value())) throw Napi::TypeError::New(env, "expected a program");
  return translate_errors(env, [&] {
    const std::shared_ptr<BoundProgram> bound = ProgramObject::Unwrap(object)->program();
    auto job = new_job(env, control_of(info[2], classes));
    const Napi::Array array = info[1].As<Napi::Array>();
    std::vector<int64_t> sizes(array.Length());
    for (uint32_t i = 0; i < array.Length(); i++) sizes[i] = array.Get(i).As<Napi::Number>().Int64Value();
    job->background = info[3].ToBoolean().Value();
    job->work = [bound, sizes = std::move(sizes), kernels = kernels_, pool = pool_, int8 = int8_, control = job->control, background = job->background, queue = queue_.get()] {
      const Pause pause = background ? Pause([&] { queue->give_way(*control); }) : Pause([&] { control->check(); });
      execute(*bound->program, sizes, *kernels, *pool, int8, background, pause);
    };
    return queue_->add(std::move(job));
  });
}

// measureSpeed(control): Promise<{ readBandwidth, int8Operations, floatOperations }>
Napi::Value EngineObject::measure_speed(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto job = new_job(env, control_of(info[0], *env.GetInstanceData<Classes>()));
  auto speed = std::make_shared<DeviceSpeed>();
  job->work = [=, kernels = kernels_, pool = pool_, control = job->control] { *speed = polywen::measure_speed(*kernels, *pool, *control); };
  job->result = [=](Napi::Env result_env) -> Napi::Value {
    Napi::Object object = Napi::Object::New(result_env);
    object.Set("readBandwidth", speed->read_bytes);
    object.Set("int8Operations", speed->int8_operations);
    object.Set("floatOperations", speed->float_operations);
    return object;
  };
  return translate_errors(env, [&] { return queue_->add(std::move(job)); });
}

// close(): Promise<void>, settled when all jobs have ended. Nothing may be called afterwards.
Napi::Value EngineObject::close(const Napi::CallbackInfo& info) {
  auto job = new_job(info.Env(), std::make_shared<Control>());
  job->work = [] {};
  job->result = [this](Napi::Env env) -> Napi::Value {
    queue_->close();
    return env.Undefined();
  };
  return translate_errors(info.Env(), [&] { return queue_->add_last(std::move(job)); });
}

}  // namespace polywen::binding
