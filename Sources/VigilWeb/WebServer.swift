// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import FlyingFox
internal import FlyingSocks
internal import Foundation
internal import Glibc
internal import Synchronization

/// Serves the pages, on threads of its own.
package final class WebServer: Sendable {
    /// Where it listens, with the port that the system chose.
    package let boundAddress: WebAddress
    private let task: Task<Void, Never>

    /// Listens, and answers from then on.
    ///
    /// - Parameters:
    ///   - address: where to listen.
    ///   - report: what there is to tell at the moment of a request.
    ///   - onFailure: told in a sentence where it could not go on listening and begins anew.
    /// - Throws: `WebError` where the address cannot be had. It blocks until that is known: not to
    ///   be called from a task.
    package init(
        address: WebAddress, report: @escaping @Sendable () -> DaemonReport,
        onFailure: @escaping @Sendable (String) -> Void
    ) throws(WebError) {
        let handler = ClosureHTTPHandler { request in
            response(to: request, report: report)
        }
        let start = FirstListening()
        task = Task {
            var listened = await Self.listen(address, handler, start)
            // A lack of descriptors ends a listening socket; it must not end the daemon's health.
            while !Task.isCancelled, case .success(let bound)? = start.result {
                onFailure("the http socket has failed and is opened again: \(listened)")
                try? await Task.sleep(for: .seconds(1))
                listened = await Self.listen(bound, handler, start)
            }
        }
        switch start.wait() {
        case .success(let bound): boundAddress = bound
        case .failure(let error): throw error
        }
    }

    /// Stops answering.
    package func stop() {
        task.cancel()
    }

    /// Serves until it cannot go on, or the task is cancelled; says why it ended.
    private static func listen(
        _ address: WebAddress, _ handler: some HTTPHandler, _ start: FirstListening
    ) async -> String {
        do {
            let pool = ImpatientPool(base: HTTPServer.defaultPool())
            let server = HTTPServer(
                config: try configuration(address, pool: pool), handler: handler)
            async let isListening: Void = start.report(server, address)
            do {
                try await server.run()
            } catch {
                start.fail("cannot serve http on \(address): \(reason(error))")
                await isListening
                throw error
            }
            await isListening
            return "it was closed"
        } catch {
            start.fail("cannot serve http on \(address): \(reason(error))")
            return reason(error)
        }
    }

    private static func configuration(
        _ address: WebAddress, pool: some AsyncSocketPool
    ) throws -> HTTPServer.Configuration {
        if address.isIPv6 {
            let socket = try sockaddr_in6.inet6(ip6: address.host, port: address.port)
            return HTTPServer.Configuration(address: socket, pool: pool, logger: .disabled)
        }
        let socket = try sockaddr_in.inet(ip4: address.host, port: address.port)
        return HTTPServer.Configuration(address: socket, pool: pool, logger: .disabled)
    }

    private static func reason(_ error: any Error) -> String {
        guard case SocketError.failed(_, let number, _) = error else { return "\(error)" }
        return String(cString: strerror(number))
    }
}

/// The answer to a request, as the library takes it.
private func response(to request: HTTPRequest, report: () -> DaemonReport) -> HTTPResponse {
    let reply = WebReply.answer(
        method: request.method.rawValue, path: request.path, from: report)
    var headers: HTTPHeaders = [
        .contentType: reply.contentType, .contentLength: String(reply.body.count),
        .cacheControl: "no-store", HTTPHeader("X-Content-Type-Options"): "nosniff",
    ]
    if let allow = reply.allow { headers[HTTPHeader("Allow")] = allow }
    let isHead = request.method == .HEAD
    return HTTPResponse(
        statusCode: HTTPStatusCode(reply.code, phrase: phrase(of: reply.code)),
        headers: headers, body: isHead ? Data() : Data(reply.body))
}

private func phrase(of code: Int) -> String {
    switch code {
    case 200: "OK"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 503: "Service Unavailable"
    default: ""
    }
}

/// Whether the first attempt to listen succeeded: the one thing that the caller waits for.
private final class FirstListening: Sendable {
    private let outcome = Mutex<Result<WebAddress, WebError>?>(nil)
    private let known = DispatchSemaphore(value: 0)

    var result: Result<WebAddress, WebError>? { outcome.withLock { $0 } }

    func wait() -> Result<WebAddress, WebError> {
        known.wait()
        return result ?? .failure(WebError(isTaken: true, "cannot serve http"))
    }

    func fail(_ sentence: String) {
        settle(.failure(WebError(isTaken: true, sentence)))
    }

    /// Waits until the server listens, and takes note of where.
    func report(_ server: HTTPServer, _ address: WebAddress) async {
        guard result == nil else { return }
        do {
            try await server.waitUntilListening()
        } catch {
            return fail("cannot serve http on \(address): it does not listen")
        }
        var bound = address
        switch await server.listeningAddress {
        case .ip4(_, let port), .ip6(_, let port): bound.port = port
        default: break
        }
        settle(.success(bound))
    }

    private func settle(_ result: Result<WebAddress, WebError>) {
        let isFirst = outcome.withLock { outcome in
            if outcome != nil { return false }
            outcome = result
            return true
        }
        if isFirst { known.signal() }
    }
}

/// A pool that drops connections which let it wait: whoever opens many and says nothing cannot
/// hold the descriptors that the log needs.
private struct ImpatientPool<Base: AsyncSocketPool>: AsyncSocketPool {
    private static var patience: Duration { .seconds(30) }

    let base: Base

    func prepare() async throws {
        try await base.prepare()
    }

    func run() async throws {
        try await base.run()
    }

    func suspendSocket(_ socket: Socket, untilReadyFor events: Socket.Events) async throws {
        // Nobody need come: for a connection to accept it waits for ever.
        if Self.isListening(socket) {
            return try await base.suspendSocket(socket, untilReadyFor: events)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await base.suspendSocket(socket, untilReadyFor: events) }
            group.addTask {
                try await Task.sleep(for: Self.patience)
                throw SocketError.disconnected
            }
            try await group.next()
        }
    }

    private static func isListening(_ socket: Socket) -> Bool {
        var isListening: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(socket.file.rawValue, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length)
        return isListening != 0
    }
}
