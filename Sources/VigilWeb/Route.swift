// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What can be asked for: a `GET` or `HEAD` of a path.
package enum Route: String, CaseIterable, Sendable {
    case live = "/livez"
    case ready = "/readyz"
    case metrics = "/metrics"
    case status = "/v1/status"
}

/// An answer, before it goes on the wire.
package struct WebReply: Sendable {
    /// The HTTP status code.
    package var code: Int
    package var contentType: String
    package var body: [UInt8]
    /// The methods that the path takes, where another was used.
    package var allow: String?
}

extension WebReply {
    private static let json = "application/json"

    /// Answers a request from what is known.
    ///
    /// - Parameters:
    ///   - method: in upper case.
    ///   - path: without a query.
    ///   - report: makes the report, where the request needs it.
    /// - Returns: the page, or an error as a document.
    package static func answer(
        method: String, path: String, from report: () -> DaemonReport
    ) -> WebReply {
        guard let route = Route(rawValue: path) else {
            let known = Route.allCases.map(\.rawValue).joined(separator: ", ")
            return error(404, "not-found", "There is nothing here; there is \(known).")
        }
        guard method == "GET" || method == "HEAD" else {
            var reply = error(405, "method-not-allowed", "This can only be read: use GET.")
            reply.allow = "GET, HEAD"
            return reply
        }
        let report = report()
        switch route {
        case .live:
            return WebReply(code: 200, contentType: json, body: Array("{\"live\":true}".utf8))
        case .ready:
            let body = ReadinessDocument.encode(report)
            return WebReply(code: report.isReady ? 200 : 503, contentType: json, body: body)
        case .metrics:
            return WebReply(
                code: 200, contentType: PrometheusText.contentType,
                body: MetricsPage.encode(report))
        case .status:
            return WebReply(code: 200, contentType: json, body: StatusDocument.encode(report))
        }
    }

    /// To a head of which no end has come.
    static var tooLong: WebReply {
        error(431, "head-too-long", "A request has at most \(RequestHead.lengthMax) bytes.")
    }

    /// To what is no head.
    static var unreadable: WebReply {
        error(400, "malformed-request", "This is no request of HTTP/1.1.")
    }

    /// To a request for another server than one on loopback.
    static var misdirected: WebReply {
        error(
            421, "misdirected-request",
            "The pages are served to this machine: ask for localhost, 127.0.0.1 or [::1].")
    }

    private static func error(_ code: Int, _ name: String, _ message: String) -> WebReply {
        WebReply(
            code: code, contentType: json, body: ErrorDocument.encode(code: name, message: message))
    }
}
