// One thread that works off jobs, those in the background when no other waits, and settles their promises. The process may exit while the queue is idle.
#pragma once
#include <napi.h>

#include <chrono>
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
  bool background = false;                         // gives way to others: see `JobQueue::give_way`
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

  // Called by a job in the background, on the queue's thread, wherever it can stand still: once its turn is over, the
  // job that waits longest has one. Throws ABORTED if the caller's own job shall stop.
  void give_way(const Control& control);

  // Stops and joins the thread. Jobs that have not begun are dropped.
  void close();

 private:
  static void settle(Napi::Env env, Napi::Function, JobQueue* queue, Job* job);
  static void on_environment_exit(void* queue);
  using Settler = Napi::TypedThreadSafeFunction<JobQueue, Job, settle>;

  void abort_all();
  std::unique_ptr<Job> take();
  void perform(std::unique_ptr<Job> job);
  void work();

  Napi::Env env_;
  Settler settler_;
  std::set<Job*> unsettled_;
  bool accepting_ = true;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Job>> waiting_;
  std::deque<std::unique_ptr<Job>> background_;
  bool closing_ = false;
  std::chrono::steady_clock::time_point turn_end_;  // of the queue's thread alone
  std::thread thread_;
};

}  // namespace polywen::binding
