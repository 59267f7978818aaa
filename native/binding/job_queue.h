// One thread that works off jobs in order and settles their promises. The process may exit while the queue is idle.
#pragma once
#include <napi.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "../cpu/control.h"

namespace polywen::binding {

struct Job {
  explicit Job(Napi::Env env) : deferred(env) {}

  // Objects that must live until the job has ended.
  void keep(Napi::Object object) { kept.push_back(Napi::Persistent(object)); }

  Napi::Promise::Deferred deferred;
  std::shared_ptr<Control> control;
  std::vector<Napi::ObjectReference> kept;
  std::function<void()> work;                      // on the queue's thread; may throw
  std::function<Napi::Value(Napi::Env)> result;    // on the JavaScript thread, if work did not throw
  std::exception_ptr error;
};

// All members are called on the JavaScript thread of the environment, and jobs are created and destroyed there.
class JobQueue {
 public:
  explicit JobQueue(Napi::Env env);
  ~JobQueue() { close(); }
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  // Throws DISPOSED after `add_last`.
  Napi::Promise add(std::unique_ptr<Job> job);

  // Asks every job that has not ended to stop, and takes no other after this one.
  Napi::Promise add_last(std::unique_ptr<Job> job);

  // Stops and joins the thread. Jobs that have not begun are dropped.
  void close();

 private:
  static void settle(Napi::Env env, Napi::Function, JobQueue* queue, Job* job);
  static void on_environment_exit(void* queue);
  using Settler = Napi::TypedThreadSafeFunction<JobQueue, Job, settle>;

  void abort_all();
  void work();

  Napi::Env env_;
  Settler settler_;
  std::set<Job*> unsettled_;
  bool accepting_ = true;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Job>> waiting_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace polywen::binding
