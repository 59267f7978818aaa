#include "weight_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "error.h"

namespace polywen {
namespace {

Error invalid_file(const std::string& file, const std::string& problem) {
  return Error("FILE_INVALID", {{"file", file}, {"problem", problem}});
}

Error invalid_file(const std::string& file, const std::string& problem, int64_t offset) {
  return Error("FILE_INVALID", {{"file", file}, {"problem", problem}, {"offset", static_cast<double>(offset)}});
}

Error unreadable(const std::string& file, int error) {
  if (error == ENOENT) return Error("NOT_FOUND", {{"what", "file"}, {"name", file}});
  return invalid_file(file, std::string("the file cannot be read (") + strerror(error) + ")");
}

}  // namespace

WeightFile::WeightFile(const std::string& path) : path_(path) {
  descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // non-blocking: a pipe must not hang us
  if (descriptor_ < 0) throw unreadable(path, errno);
  struct stat status;
  const bool known = fstat(descriptor_, &status) == 0;
  const int error = errno;
  if (known && S_ISREG(status.st_mode)) {
    size_ = status.st_size;
    return;
  }
  close(descriptor_);
  throw known ? invalid_file(path, "it is not a regular file") : unreadable(path, error);
}

WeightFile::~WeightFile() { close(descriptor_); }

void WeightFile::check(const std::string& weight, int64_t offset, int64_t length) const {
  if (offset > size_ || length > size_ - offset) throw invalid_file(path_, "the file ends inside weight " + weight, size_);
}

void WeightFile::read(int64_t offset, int64_t length, char* target) const {
  while (length > 0) {
    const ssize_t count = pread(descriptor_, target, static_cast<size_t>(length), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw unreadable(path_, errno);
    if (count == 0) throw invalid_file(path_, "the file ends inside a weight", offset);
    offset += count;
    target += count;
    length -= count;
  }
}

}  // namespace polywen
