// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
private import Glibc

/// The end of a command that did not do what was asked: a sentence and an exit code.
struct CommandFailure: Error {
    /// The exit codes of sysexits.h that Vigil uses.
    enum Code: Int32 {
        case differs = 1
        case usage = 64
        case badData = 65
        case missingInput = 66
        case unreachable = 69
        case internalFault = 70
        case log = 74
        case notPermitted = 77
        case configuration = 78
    }

    var code: Code
    var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Says the sentence on stderr and ends the command with the code.
    func report() -> ExitCode {
        Terminal.say("vigil: " + message)
        return ExitCode(code.rawValue)
    }
}

/// The standard streams: stdout is data, stderr is talk.
///
/// Data that stdout does not take must not pass for data that was delivered: that ends the process.
enum Terminal {
    /// Writes a line to stderr.
    static func say(_ line: String) {
        write(line + "\n")
    }

    /// Writes to stderr without ending the line.
    static func write(_ text: String) {
        writeAll(Array(text.utf8), to: STDERR_FILENO)
    }

    /// Writes a line to stdout, at once.
    ///
    /// - Parameters:
    ///   - line: The line without its end.
    ///   - stop: A descriptor that ends the wait for a slow reader once it is readable.
    /// - Returns: false where nobody reads it any more, or the wait was ended.
    @discardableResult
    static func printLine(_ line: [UInt8], unlessReadable stop: Int32? = nil) -> Bool {
        writeAll(line + [UInt8(ascii: "\n")], to: STDOUT_FILENO, unlessReadable: stop)
    }

    /// Writes bytes to stdout.
    ///
    /// - Returns: false where nobody reads it any more.
    static func print(_ bytes: [UInt8]) -> Bool {
        writeAll(bytes, to: STDOUT_FILENO)
    }

    @discardableResult
    private static func writeAll(
        _ bytes: [UInt8], to descriptor: Int32, unlessReadable stop: Int32? = nil
    ) -> Bool {
        var written = 0
        while written < bytes.count {
            // A pipe that polls as writable takes so much without blocking (pipe(7)).
            let piece = stop == nil ? bytes.count - written : min(bytes.count - written, 4096)
            if let stop, !isWritable(descriptor, unlessReadable: stop) { return false }
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress.map { $0 + written }, piece)
            }
            guard count < 0 else {
                written += count
                continue
            }
            switch errno {
            case EINTR: continue
            // Who shares the stream may have made it so that it does not block.
            case EAGAIN: guard isWritable(descriptor, unlessReadable: stop) else { return false }
            case EPIPE: return false
            case let code:
                // That stderr takes nothing can be told nowhere.
                guard descriptor == STDOUT_FILENO else { return false }
                exit(unwritable(code).report().rawValue)
            }
        }
        return true
    }

    private static func unwritable(_ code: Int32) -> CommandFailure {
        CommandFailure(
            .log,
            "cannot write to standard output: \(String(cString: strerror(code))); what came out is "
                + "not all: mend that, and run the command again")
    }

    private static func isWritable(_ descriptor: Int32, unlessReadable stop: Int32?) -> Bool {
        var items = [
            pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0),
            // One below 0 is passed over (poll(2)).
            pollfd(fd: stop ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        while poll(&items, 2, -1) < 0, errno == EINTR {}
        return items[1].revents == 0
    }

    /// Whether people read stderr as it comes.
    static var talksToPerson: Bool {
        isatty(STDERR_FILENO) == 1
    }

    /// Whether people read stdout as it comes.
    static var printsForPerson: Bool {
        isatty(STDOUT_FILENO) == 1
    }

    /// The columns of the terminal at stdout, 100 where it does not say.
    static var width: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return 100
        }
        return Int(size.ws_col)
    }
}

/// A clock that never goes back.
enum SteadyClock {
    /// Milliseconds since some moment.
    static var milliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Lets this thread rest.
    static func sleep(milliseconds: Int64) {
        usleep(useconds_t(clamping: milliseconds * 1000))
    }
}
