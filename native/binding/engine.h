// The engine of one backend: kernels, threads, and the queue of its jobs.
#pragma once
#include <napi.h>

#include <memory>

#include "../cpu/kernels.h"
#include "../cpu/thread_pool.h"
#include "job_queue.h"

namespace polywen::binding {

class EngineObject : public Napi::ObjectWrap<EngineObject> {
 public:
  static Napi::Function define(Napi::Env env);
  // Takes { tier, threads, activations }: "int8" quantises inputs that meet quantised weights.
  explicit EngineObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value tier(const Napi::CallbackInfo& info);
  Napi::Value load_weights(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value measure_speed(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  // A job that keeps this engine alive.
  std::unique_ptr<Job> new_job(Napi::Env env, std::shared_ptr<Control> control);

  const Kernels* kernels_ = nullptr;
  bool int8_ = true;
  std::shared_ptr<ThreadPool> pool_;
  std::unique_ptr<JobQueue> queue_;  // its thread uses the pool: destroyed first
};

}  // namespace polywen::binding
