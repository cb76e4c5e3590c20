// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

// What the machine can do at most for acknowledged intake: receive, parse, hash, write, sync and
// reply with the fewest means, and nothing else (no rules, no duplicates, no recovery). The
// benchmark compares the daemon with it. One thread owns the socket, the parser and the buffer that
// fills; another writes and syncs the buffer that is full.

#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <simdjson.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr size_t commitBytesMax = 1 << 20;
constexpr int receivesPerTurnMax = 64;

volatile sig_atomic_t stopping = 0;

[[noreturn]] void fail(const char *what) {
    std::fprintf(stderr, "IntakeReference: %s: %s\n", what, std::strerror(errno));
    std::exit(74);
}

/// A request whose reply waits for its commit.
struct Request {
    std::string identity;
    bool delimited = false;
    std::vector<std::string> replies;
};

/// What one write and one fdatasync make durable.
struct Commit {
    std::vector<uint8_t> bytes;
    size_t count = 0;
    std::vector<Request> requests;

    void clear() {
        count = 0;
        requests.clear();
    }
};

/// SHA-256 with one context for all.
class Digest {
  public:
    Digest() : context(EVP_MD_CTX_new()), algorithm(EVP_MD_fetch(nullptr, "SHA256", nullptr)) {
        if (context == nullptr || algorithm == nullptr) fail("OpenSSL has no SHA-256");
    }

    void operator()(const uint8_t *bytes, size_t count, uint8_t *digest) {
        unsigned int written = 0;
        EVP_DigestInit_ex2(context, algorithm, nullptr);
        EVP_DigestUpdate(context, bytes, count);
        EVP_DigestFinal_ex(context, digest, &written);
    }

  private:
    EVP_MD_CTX *context;
    EVP_MD *algorithm;
};

/// Writes and syncs on a thread of its own; says through an eventfd when it is done.
class Committer {
  public:
    explicit Committer(const char *path)
        : file(open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644)),
          signal(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (file < 0 || signal < 0) fail(path);
        thread = std::thread([this] { run(); });
    }

    ~Committer() {
        {
            std::lock_guard<std::mutex> hold(mutex);
            ended = true;
        }
        changed.notify_one();
        thread.join();
        close(file);
        close(signal);
    }

    int descriptor() const { return signal; }

    void submit(Commit *commit) {
        {
            std::lock_guard<std::mutex> hold(mutex);
            pending = commit;
        }
        changed.notify_one();
    }

    bool takeDone() {
        uint64_t value = 0;
        return read(signal, &value, sizeof value) == sizeof value;
    }

  private:
    void run() {
        for (;;) {
            Commit *commit = nullptr;
            {
                std::unique_lock<std::mutex> hold(mutex);
                changed.wait(hold, [this] { return ended || pending != nullptr; });
                if (pending == nullptr) return;
                commit = pending;
                pending = nullptr;
            }
            write(*commit);
            const uint64_t one = 1;
            if (::write(signal, &one, sizeof one) != sizeof one) fail("eventfd");
        }
    }

    void write(const Commit &commit) {
        size_t done = 0;
        while (done < commit.count) {
            const ssize_t written =
                pwrite(file, commit.bytes.data() + done, commit.count - done, position);
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) fail("pwrite");
            done += static_cast<size_t>(written);
            position += written;
        }
        if (fdatasync(file) != 0) fail("fdatasync");
    }

    int file;
    int signal;
    off_t position = 0;
    std::mutex mutex;
    std::condition_variable changed;
    Commit *pending = nullptr;
    bool ended = false;
    std::thread thread;
};

/// The socket and what is done with what comes in on it.
class Intake {
  public:
    Intake(const char *endpoint, const char *path) : committer(path) {
        context = zmq_ctx_new();
        router = zmq_socket(context, ZMQ_ROUTER);
        const int unlimited = 0;
        zmq_setsockopt(router, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
        zmq_setsockopt(router, ZMQ_SNDHWM, &unlimited, sizeof unlimited);
        if (zmq_bind(router, endpoint) != 0) fail(endpoint);
        char bound[256];
        size_t length = sizeof bound;
        zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, bound, &length);
        std::printf("{\"ready\":true,\"ingest\":\"%s\"}\n", bound);
        std::fflush(stdout);
    }

    ~Intake() {
        const int none = 0;
        zmq_setsockopt(router, ZMQ_LINGER, &none, sizeof none);
        zmq_close(router);
        zmq_ctx_term(context);
    }

    void run() {
        while (stopping == 0) {
            zmq_pollitem_t items[] = {{router, 0, ZMQ_POLLIN, 0},
                                      {nullptr, committer.descriptor(), ZMQ_POLLIN, 0}};
            if (filling->count >= commitBytesMax) items[0].events = 0;
            if (zmq_poll(items, 2, 500) < 0 && errno != EINTR) fail("zmq_poll");
            if (committer.takeDone()) {
                reply();
                busy = false;
            }
            for (int turn = 0; turn < receivesPerTurnMax && filling->count < commitBytesMax; turn++)
                if (!receive()) break;
            if (!busy && !filling->requests.empty()) {
                std::swap(filling, syncing);
                busy = true;
                committer.submit(syncing);
            }
        }
    }

  private:
    /// Takes in one request; false where none waits.
    bool receive() {
        Frame frame;
        if (!frame.receive(router, ZMQ_DONTWAIT)) return false;
        Request request;
        request.identity = frame.view();
        bool isFirst = true;
        std::string topic;
        bool haveTopic = false;
        while (frame.more()) {
            if (!frame.receive(router, 0)) fail("zmq_msg_recv");
            if (isFirst && frame.view().empty()) {
                request.delimited = true;
            } else if (!haveTopic) {
                topic = frame.view();
                haveTopic = true;
            } else {
                request.replies.push_back(append(topic, frame.view()));
                haveTopic = false;
            }
            isFirst = false;
        }
        if (haveTopic || request.replies.empty()) {
            request.replies.assign(1, R"({"status":"rejected","code":"bad-frames",)"
                                      R"("message":"pairs of topic and event are needed"})");
        }
        filling->requests.push_back(std::move(request));
        return true;
    }

    /// Puts a record into the filling commit; returns the reply.
    std::string append(const std::string &topic, std::string_view event) {
        const size_t head = 8 + 32 + topic.size();
        const size_t start = filling->count;
        const size_t end = start + head + event.size();
        if (filling->bytes.size() < end + simdjson::SIMDJSON_PADDING)
            filling->bytes.resize(2 * end + simdjson::SIMDJSON_PADDING);
        uint8_t *record = filling->bytes.data() + start;
        uint8_t *body = record + head;
        std::memcpy(body, event.data(), event.size());
        std::string id;
        if (!read(body, event.size(), id))
            return R"({"status":"rejected","code":"malformed-json","message":"not an event"})";
        const uint32_t lengths[] = {static_cast<uint32_t>(topic.size()),
                                    static_cast<uint32_t>(event.size())};
        std::memcpy(record, lengths, sizeof lengths);
        digest(body, event.size(), record + 8);
        std::memcpy(record + 40, topic.data(), topic.size());
        filling->count = end;
        std::string reply = R"({"status":"accepted","id":")";
        reply += id;
        reply += R"(","offset":)";
        reply += std::to_string(offset++);
        reply += '}';
        return reply;
    }

    /// Reads what an intake has to read of a prescription; false if it is not one.
    bool read(const uint8_t *body, size_t count, std::string &id) {
        simdjson::ondemand::document document;
        const simdjson::padded_string_view text(reinterpret_cast<const char *>(body), count,
                                                count + simdjson::SIMDJSON_PADDING);
        if (parser.iterate(text).get(document) != simdjson::SUCCESS) return false;
        std::string_view value;
        std::string_view source, subject, time, type, code;
        if (document["id"].get_string().get(value) != simdjson::SUCCESS) return false;
        id = value;
        if (document["source"].get_string().get(source) != simdjson::SUCCESS) return false;
        if (document["subject"].get_string().get(subject) != simdjson::SUCCESS) return false;
        if (document["time"].get_string().get(time) != simdjson::SUCCESS) return false;
        simdjson::ondemand::object data;
        if (document["data"].get_object().get(data) != simdjson::SUCCESS) return false;
        if (data["resourceType"].get_string().get(type) != simdjson::SUCCESS) return false;
        if (type != "MedicationRequest") return true;
        simdjson::ondemand::array codings;
        if (data["medicationCodeableConcept"]["coding"].get_array().get(codings) !=
            simdjson::SUCCESS)
            return false;
        for (auto coding : codings)
            if (coding["code"].get_string().get(code) == simdjson::SUCCESS) codesRead++;
        return true;
    }

    /// Answers the requests of the commit that is durable now.
    void reply() {
        for (Request &request : syncing->requests) {
            send(request.identity, true);
            if (request.delimited) send("", true);
            for (size_t index = 0; index < request.replies.size(); index++)
                send(request.replies[index], index + 1 < request.replies.size());
        }
        syncing->clear();
    }

    void send(std::string_view frame, bool more) {
        // A peer that has gone is no error of ours: ROUTER drops what is for it.
        zmq_send(router, frame.data(), frame.size(), more ? ZMQ_SNDMORE : 0);
    }

    class Frame {
      public:
        Frame() { zmq_msg_init(&message); }
        ~Frame() { zmq_msg_close(&message); }
        Frame(const Frame &) = delete;
        Frame &operator=(const Frame &) = delete;
        bool receive(void *socket, int flags) { return zmq_msg_recv(&message, socket, flags) >= 0; }
        bool more() { return zmq_msg_more(&message) != 0; }
        std::string_view view() {
            return {static_cast<const char *>(zmq_msg_data(&message)), zmq_msg_size(&message)};
        }

      private:
        zmq_msg_t message;
    };

    void *context = nullptr;
    void *router = nullptr;
    Committer committer;
    Commit commits[2];
    Commit *filling = &commits[0];
    Commit *syncing = &commits[1];
    bool busy = false;
    uint64_t offset = 0;
    uint64_t codesRead = 0;
    simdjson::ondemand::parser parser;
    Digest digest;
};

}  // namespace

int main(int count, char **arguments) {
    if (count != 3) {
        std::fprintf(stderr, "usage: IntakeReference ENDPOINT FILE\n");
        return 64;
    }
    struct sigaction action = {};
    action.sa_handler = [](int) { stopping = 1; };
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    Intake intake(arguments[1], arguments[2]);
    intake.run();
    return 0;
}
