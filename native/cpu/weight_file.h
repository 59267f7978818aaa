// A file of weights, read at given offsets by several threads.
#pragma once
#include <cstdint>
#include <string>

namespace polywen {

class WeightFile {
 public:
  // Throws NOT_FOUND or FILE_INVALID. Only regular files are opened.
  explicit WeightFile(const std::string& path);
  ~WeightFile();
  WeightFile(const WeightFile&) = delete;
  WeightFile& operator=(const WeightFile&) = delete;

  // Throws FILE_INVALID where the file is too short to hold [offset, offset + length).
  void check(const std::string& weight, int64_t offset, int64_t length) const;

  // Reads exactly `length` bytes or throws FILE_INVALID.
  void read(int64_t offset, int64_t length, char* target) const;

 private:
  std::string path_;
  int descriptor_;
  int64_t size_;
};

}  // namespace polywen
