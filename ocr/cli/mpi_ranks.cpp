// The processes of a job, joined by MPI. Compiled with -DTALWEG_MPI=ON only.
#include "ocr/cli/mpi_ranks.h"

#define OMPI_SKIP_MPICXX 1  // the C interface alone
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

#include "ocr/cli/command.h"

namespace talweg::ocr::cli {

namespace {

constexpr int kData = 1, kGivesUp = 2;  // tags

void check(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw nn::PeerError(message("MPI: ", what, ": ", text));
}

/// Waits a little, and a little longer each time: a message of the step under way is there in
/// microseconds, while process 0 measures it may be minutes, and others want the processor.
class Patience {
 public:
  void wait() {
    constexpr int kYields = 200;
    constexpr std::chrono::microseconds kLongest(500);
    if (++tries_ <= kYields) return std::this_thread::yield();
    std::this_thread::sleep_for(pause_);
    pause_ = std::min(2 * pause_, kLongest);
  }

 private:
  int tries_ = 0;
  std::chrono::microseconds pause_{20};
};

class MpiCommunicator final : public nn::Communicator {
 public:
  MpiCommunicator() {
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  }
  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void send(std::span<const std::byte> bytes, int to) override {
    for_pieces(bytes, [&](std::span<const std::byte> piece) {
      MPI_Request request;
      check(
          MPI_Isend(piece.data(), int(piece.size()), MPI_BYTE, to, kData, MPI_COMM_WORLD, &request),
          "sending failed");
      wait(request);
    });
  }

  void receive(std::span<std::byte> bytes, int from) override {
    for_pieces(bytes, [&](std::span<std::byte> piece) {
      MPI_Request request;
      check(MPI_Irecv(piece.data(), int(piece.size()), MPI_BYTE, from, kData, MPI_COMM_WORLD,
                      &request),
            "receiving failed");
      wait(request);
    });
  }

 private:
  /// MPI counts in int.
  template <class Byte, class Body>
  static void for_pieces(std::span<Byte> bytes, const Body& body) {
    constexpr std::size_t kMost = std::numeric_limits<int>::max();
    for (std::size_t done = 0; done < bytes.size();) {
      const std::size_t count = std::min(kMost, bytes.size() - done);
      body(bytes.subspan(done, count));
      done += count;
    }
  }

  /// Until the request is done. Process 0 looks meanwhile whether another gives up, or it is to end; the
  /// others leave that to it, and to the launcher, who ends them all.
  void wait(MPI_Request& request) {
    Patience patience;
    for (int done = 0; true; patience.wait()) {
      check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "a message was lost");
      if (done != 0) return;
      if (rank_ > 0) continue;
      try {
        look_around();
      } catch (...) {
        MPI_Cancel(&request);  // its memory is going away
        MPI_Request_free(&request);
        throw;
      }
    }
  }

  void look_around() const {
    if (interrupted()) throw nn::Interrupted("interrupted while waiting for another process");
    int there = 0;
    MPI_Status status;
    check(MPI_Iprobe(MPI_ANY_SOURCE, kGivesUp, MPI_COMM_WORLD, &there, &status),
          "a process is lost");
    if (there == 0) return;
    int length = 0;
    MPI_Get_count(&status, MPI_CHAR, &length);
    std::string why(std::size_t(length), ' ');
    MPI_Recv(why.data(), length, MPI_CHAR, status.MPI_SOURCE, kGivesUp, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    throw nn::PeerError(message("process ", status.MPI_SOURCE, " of ", size_, ": ", why));
  }

  int rank_ = 0, size_ = 1;
};

class MpiRanks final : public Ranks {
 public:
  MpiRanks() {
    int given = 0;  // the prefetching thread makes no calls
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &given);
    communicator_ = std::make_unique<MpiCommunicator>();
  }
  nn::Communicator& communicator() override { return *communicator_; }
  void finish() override { MPI_Finalize(); }

  // A process that ends without MPI_Finalize makes the launcher end the others: so process 0 ends the job
  // by ending. This one must not be first, or process 0 could not say why.
  void abandon(const std::string& why) override {
    constexpr std::chrono::seconds kToBeEnded(30);
    MPI_Request request;
    MPI_Issend(why.data(), int(why.size()), MPI_CHAR, 0, kGivesUp, MPI_COMM_WORLD, &request);
    Patience patience;
    for (int done = 0; done == 0; patience.wait()) MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    std::this_thread::sleep_for(kToBeEnded);
  }

 private:
  std::unique_ptr<MpiCommunicator> communicator_;
};

}  // namespace

std::unique_ptr<Ranks> join_mpi() { return std::make_unique<MpiRanks>(); }

std::string mpi_name() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string name(text, std::size_t(length));
  return name.substr(0, name.find_first_of(",\n"));
}

}  // namespace talweg::ocr::cli
