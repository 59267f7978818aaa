// The classes that JavaScript sees: Control, Weights, Resource, Program. Each shares ownership of what it wraps with
// the jobs that use it, so that disposing an object never takes memory from under a running job.
#pragma once
#include <napi.h>

#include <memory>
#include <vector>

#include "../cpu/control.h"
#include "../cpu/program.h"
#include "../cpu/resource.h"
#include "../cpu/weights.h"

namespace polywen::binding {

// Tells the garbage collector about memory outside its heap, for as long as this object holds it.
class ExternalBytes {
 public:
  ExternalBytes() = default;
  ~ExternalBytes() { release(); }
  ExternalBytes(const ExternalBytes&) = delete;
  ExternalBytes& operator=(const ExternalBytes&) = delete;

  void hold(Napi::Env env, size_t bytes) {
    env_ = env;
    bytes_ = static_cast<int64_t>(bytes);
    Napi::MemoryManagement::AdjustExternalMemory(env_, bytes_);
  }
  void release() {
    if (bytes_ > 0) Napi::MemoryManagement::AdjustExternalMemory(env_, -bytes_);
    bytes_ = 0;
  }

 private:
  Napi::Env env_{nullptr};
  int64_t bytes_ = 0;
};

class ControlObject : public Napi::ObjectWrap<ControlObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ControlObject(const Napi::CallbackInfo& info);
  const std::shared_ptr<Control>& control() const { return control_; }

 private:
  Napi::Value done(const Napi::CallbackInfo& info);
  void abort(const Napi::CallbackInfo& info);

  std::shared_ptr<Control> control_ = std::make_shared<Control>();
};

class WeightsObject : public Napi::ObjectWrap<WeightsObject> {
 public:
  static Napi::Function define(Napi::Env env);
  // Takes an external that holds a shared pointer to weights.
  explicit WeightsObject(const Napi::CallbackInfo& info);
  // Throws DISPOSED.
  const std::shared_ptr<Weights>& weights() const;

 private:
  Napi::Value byte_length(const Napi::CallbackInfo& info);
  void take(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<Weights> weights_;
  ExternalBytes bytes_;
};

class ResourceObject : public Napi::ObjectWrap<ResourceObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ResourceObject(const Napi::CallbackInfo& info);
  // Throws DISPOSED.
  const std::shared_ptr<Resource>& resource() const;

 private:
  Napi::Value byte_length(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<Resource> resource_;
  ExternalBytes bytes_;
};

// A program and the JavaScript buffers of its inputs and outputs.
struct BoundProgram {
  std::unique_ptr<Program> program;
  std::vector<Napi::ObjectReference> buffers;
};

class ProgramObject : public Napi::ObjectWrap<ProgramObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ProgramObject(const Napi::CallbackInfo& info);
  // Throws DISPOSED, also where an input or output buffer was transferred to another thread.
  std::shared_ptr<BoundProgram> program() const;

 private:
  Napi::Value arena_byte_length(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);

  std::shared_ptr<BoundProgram> program_;
  ExternalBytes bytes_;
};

// The classes of one environment: worker threads have their own.
struct Classes {
  Napi::FunctionReference control, weights, resource, program;
};

}  // namespace polywen::binding
