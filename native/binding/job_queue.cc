#include "job_queue.h"

#include <utility>

#include "errors.h"

namespace polywen::binding {
namespace {

// How long a job in the background works before another that waits has its turn.
constexpr std::chrono::milliseconds kTurn(10);

}  // namespace

// The hook is added after the settler, so it runs before the settler's own: our thread ends before what it calls.
JobQueue::JobQueue(Napi::Env env) : env_(env), settler_(Settler::New(env, "polywen", 0, 1, this)) {
  settler_.Unref(env);
  napi_add_env_cleanup_hook(env, on_environment_exit, this);
  thread_ = std::thread([this] { work(); });
}

Napi::Promise JobQueue::add(std::unique_ptr<Job> job) {
  if (!accepting_) throw Error("DISPOSED", {{"object", "the cpu backend"}});
  const Napi::Promise promise = job->deferred.Promise();
  if (unsettled_.empty()) settler_.Ref(env_);
  unsettled_.insert(job.get());
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    (job->background ? background_ : waiting_).push_back(std::move(job));
  }
  changed_.notify_one();
  return promise;
}

Napi::Promise JobQueue::add_last(std::unique_ptr<Job> job) {
  abort_all();
  job->background = true;  // after all that wait
  const Napi::Promise promise = add(std::move(job));
  accepting_ = false;
  return promise;
}

void JobQueue::abort_all() {
  for (Job* job : unsettled_) job->control->abort();
}

void JobQueue::close() {
  if (!thread_.joinable()) return;
  abort_all();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
  thread_.join();
  waiting_.clear();
  background_.clear();
  napi_remove_env_cleanup_hook(env_, on_environment_exit, this);
  settler_.Release();
}

void JobQueue::on_environment_exit(void* queue) { static_cast<JobQueue*>(queue)->close(); }

void JobQueue::work() {
  for (;;) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return closing_ || !waiting_.empty() || !background_.empty(); });
    if (closing_) return;
    std::unique_ptr<Job> job = take();
    lock.unlock();
    turn_end_ = std::chrono::steady_clock::now() + kTurn;
    perform(std::move(job));
  }
}

std::unique_ptr<Job> JobQueue::take() {
  auto& from = waiting_.empty() ? background_ : waiting_;
  std::unique_ptr<Job> job = std::move(from.front());
  from.pop_front();
  return job;
}

void JobQueue::perform(std::unique_ptr<Job> job) {
  try {
    job->control->check();
    job->work();
  } catch (...) {
    job->error = std::current_exception();
  }
  settler_.NonBlockingCall(job.release());
}

void JobQueue::give_way(const Control& control) {
  control.check();
  if (std::chrono::steady_clock::now() < turn_end_) return;
  std::unique_ptr<Job> job;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (waiting_.empty()) return;
    job = take();
  }
  perform(std::move(job));
  turn_end_ = std::chrono::steady_clock::now() + kTurn;
}

namespace {

void settle_promise(Napi::Env env, const Job& job) {
  if (job.error) {
    job.deferred.Reject(error_object(env, job.error));
    return;
  }
  Napi::Value value;
  try {
    value = job.result ? job.result(env) : env.Undefined();
  } catch (const Napi::Error& error) {
    job.deferred.Reject(error.Value());
    return;
  }
  job.deferred.Resolve(value);
}

}  // namespace

void JobQueue::settle(Napi::Env env, Napi::Function, JobQueue* queue, Job* released) {
  const std::unique_ptr<Job> job(released);
  if (static_cast<napi_env>(env) == nullptr) return;  // it is being torn down: there is nobody to tell
  try {
    queue->unsettled_.erase(released);
    if (queue->unsettled_.empty()) queue->settler_.Unref(env);
    settle_promise(env, *job);
  } catch (const Napi::Error&) {
    // A worker thread that is being terminated refuses every call: nobody waits for this promise any more.
  }
}

}  // namespace polywen::binding
