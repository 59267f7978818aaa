#include "objects.h"

#include <utility>

#include "errors.h"
#include "parse.h"

namespace polywen::binding {
namespace {

template <typename Value>
const std::shared_ptr<Value>& usable(const std::shared_ptr<Value>& value, const char* object) {
  if (!value) throw Error("DISPOSED", {{"object", object}});
  return value;
}

}  // namespace

// ---- Control ----

Napi::Function ControlObject::define(Napi::Env env) {
  return DefineClass(env, "Control", {InstanceAccessor<&ControlObject::done>("done"), InstanceMethod<&ControlObject::abort>("abort")});
}

ControlObject::ControlObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {}

Napi::Value ControlObject::done(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), static_cast<double>(control_->done())); }

void ControlObject::abort(const Napi::CallbackInfo&) { control_->abort(); }

// ---- Weights ----

Napi::Function WeightsObject::define(Napi::Env env) {
  return DefineClass(env, "Weights", {InstanceAccessor<&WeightsObject::byte_length>("byteLength"), InstanceMethod<&WeightsObject::take>("take"),
                                 InstanceMethod<&WeightsObject::dispose>("dispose")});
}

WeightsObject::WeightsObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "weights come from an engine");
  weights_ = *info[0].As<Napi::External<std::shared_ptr<Weights>>>().Data();
  bytes_.hold(info.Env(), weights_->bytes());
}

const std::shared_ptr<Weights>& WeightsObject::weights() const { return usable(weights_, "weights"); }

Napi::Value WeightsObject::byte_length(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), weights_ ? static_cast<double>(weights_->bytes()) : 0);
}

void WeightsObject::take(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Value other = info[0];
  const bool valid = other.IsObject() && other.As<Napi::Object>().InstanceOf(env.GetInstanceData<Classes>()->weights.Value());
  if (!valid) throw Napi::TypeError::New(env, "expected weights");
  translate_errors(env, [&] {
    WeightsObject* source = Unwrap(other.As<Napi::Object>());
    if (source == this) return;
    usable(weights_, "weights")->take(*source->weights());
    source->weights_.reset();
    source->bytes_.release();
    bytes_.release();
    bytes_.hold(env, weights_->bytes());
  });
}

void WeightsObject::dispose(const Napi::CallbackInfo&) {
  weights_.reset();
  bytes_.release();
}

// ---- Resource ----

Napi::Function ResourceObject::define(Napi::Env env) {
  return DefineClass(env, "Resource", {InstanceAccessor<&ResourceObject::byte_length>("byteLength"), InstanceMethod<&ResourceObject::dispose>("dispose")});
}

ResourceObject::ResourceObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  translate_errors(info.Env(), [&] { resource_ = std::make_shared<Resource>(parse_resource(info[0].As<Napi::Object>())); });
  bytes_.hold(info.Env(), resource_->bytes());
}

const std::shared_ptr<Resource>& ResourceObject::resource() const { return usable(resource_, "a resource"); }

Napi::Value ResourceObject::byte_length(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), resource_ ? static_cast<double>(resource_->bytes()) : 0);
}

void ResourceObject::dispose(const Napi::CallbackInfo&) {
  resource_.reset();
  bytes_.release();
}

// ---- Program ----

Napi::Function ProgramObject::define(Napi::Env env) {
  return DefineClass(env, "Program", {InstanceAccessor<&ProgramObject::arena_byte_length>("arenaByteLength"), InstanceMethod<&ProgramObject::dispose>("dispose")});
}

ProgramObject::ProgramObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Object source = info[0].As<Napi::Object>();
  translate_errors(info.Env(), [&] {
    auto bound = std::make_shared<BoundProgram>();
    ProgramParts parts = parse_program(source, *info.Env().GetInstanceData<Classes>(), bound->buffers);
    bound->program = std::make_unique<Program>(std::move(parts));
    program_ = std::move(bound);
  });
  bytes_.hold(info.Env(), program_->program->arena_bytes());
}

std::shared_ptr<BoundProgram> ProgramObject::program() const {
  const std::shared_ptr<BoundProgram>& bound = usable(program_, "a program");
  for (const Napi::ObjectReference& buffer : bound->buffers) {
    if (buffer.Value().As<Napi::ArrayBuffer>().IsDetached()) throw Error("DISPOSED", {{"object", "a buffer of " + bound->program->name()}});
  }
  return bound;
}

Napi::Value ProgramObject::arena_byte_length(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), program_ ? static_cast<double>(program_->program->arena_bytes()) : 0);
}

void ProgramObject::dispose(const Napi::CallbackInfo&) {
  program_.reset();
  bytes_.release();
}

}  // namespace polywen::binding
