// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Writes the Prometheus text format, version 0.0.4.
///
/// Source: prometheus.io/docs/instrumenting/exposition_formats.
package struct PrometheusText {
    /// What a metric is.
    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    /// The value of the header `Content-Type`.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private var text = ""
    private var name = ""

    /// A page without a metric.
    package init() {}

    /// The page so far, in UTF-8.
    package var bytes: [UInt8] { Array(text.utf8) }

    /// Begins a metric: the samples that follow are of it.
    package mutating func metric(_ name: String, _ kind: Kind, help: String) {
        self.name = name
        text += "# HELP \(name) \(PrometheusText.escape(help, quotes: false))\n"
        text += "# TYPE \(name) \(kind.rawValue)\n"
    }

    /// A sample with a whole number.
    package mutating func sample(
        _ value: some BinaryInteger, _ labels: KeyValuePairs<String, String> = [:],
        suffix: String = ""
    ) {
        sample(text: String(value), labels, suffix: suffix)
    }

    /// A sample in seconds, to the millionth.
    package mutating func sample(
        microseconds: Int64, _ labels: KeyValuePairs<String, String> = [:], suffix: String = ""
    ) {
        sample(text: PrometheusText.seconds(microseconds), labels, suffix: suffix)
    }

    private mutating func sample(
        text value: String, _ labels: KeyValuePairs<String, String>, suffix: String
    ) {
        text += name + suffix
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.key)=\"\(PrometheusText.escape($0.value))\"" }
            text += "{" + pairs.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    /// A number of microseconds in seconds, without trailing zeros.
    static func seconds(_ microseconds: Int64) -> String {
        let (whole, rest) = microseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        let sign = microseconds < 0 ? "-" : ""
        guard rest > 0 else { return "\(sign)\(whole)" }
        var decimals = String(rest)
        decimals = String(repeating: "0", count: 6 - decimals.count) + decimals
        while decimals.hasSuffix("0") { decimals.removeLast() }
        return "\(sign)\(whole).\(decimals)"
    }

    /// Escapes as label values are; in a help text quotes stay as they are.
    private static func escape(_ value: String, quotes: Bool = true) -> String {
        var escaped = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
