// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCore
import VigilEngine
import VigilWeb

/// What goes out, to the byte.
@Suite struct RenderingTests {
    private func page(_ path: String, of report: DaemonReport, method: String = "GET") -> WebReply {
        WebReply.answer(method: method, path: path) { report }
    }

    private func text(_ reply: WebReply) -> String {
        String(decoding: reply.body, as: UTF8.self)
    }

    @Test func labelsAndHelpAreEscapedAsTheFormatSays() {
        var page = PrometheusText()
        page.metric("a_total", .counter, help: "A \\ back\nslash and \"quotes\"")
        page.sample(1, ["x": "a\\b\n\"c\"", "y": "é\r"])
        #expect(
            String(decoding: page.bytes, as: UTF8.self) == """
                # HELP a_total A \\\\ back\\nslash and "quotes"
                # TYPE a_total counter
                a_total{x="a\\\\b\\n\\"c\\"",y="é\r"} 1

                """)
    }

    @Test(
        arguments: [
            (0, "0"), (1, "0.000001"), (500, "0.0005"), (1_000_000, "1"), (2_500_000, "2.5"),
            (-1_500_000, "-1.5"), (Int64.min, "-9223372036854.775808"),
        ] as [(Int64, String)])
    func microsecondsAreToldInSeconds(microseconds: Int64, seconds: String) {
        var page = PrometheusText()
        page.metric("a", .gauge, help: "")
        page.sample(microseconds: microseconds)
        #expect(String(decoding: page.bytes, as: UTF8.self).hasSuffix("\na \(seconds)\n"))
    }

    @Test func theMetricsPageIsThisText() {
        #expect(text(page("/metrics", of: .example)) == GoldenText.metrics)
    }

    @Test func theStatusIsThisDocument() {
        #expect(text(page("/v1/status", of: .example)) == GoldenText.status)
    }

    @Test func beforeTheLogIsOpenThereAreProcessMetricsAndAStatus() {
        let report = DaemonReport.example(health: EngineHealth(), status: nil)
        let metrics = text(page("/metrics", of: report))
        #expect(metrics.contains("\nvigil_ready 0\n"))
        #expect(!metrics.contains("vigil_log_offset"))
        #expect(text(page("/v1/status", of: report)).hasPrefix("{\"phase\":\"recovering\","))
        #expect(page("/livez", of: report).code == 200)
    }

    @Test func ofVeryManySourcesTheRestIsCounted() {
        var status = EngineStatus()
        for number in 0..<10_002 { status.sources["source-\(number)"] = SourceCounts() }
        let report = DaemonReport.example(health: .example(), status: status)
        let text = text(page("/v1/status", of: report))
        #expect(text.hasSuffix("\"sourcesOmitted\":2}"))
        #expect(text.components(separatedBy: "\"source\":").count - 1 == 10_000)
    }

    @Test func anotherMethodIsRefusedWithTheOnesThatAreTaken() {
        for route in Route.allCases {
            for method in ["POST", "PUT", "DELETE", "OPTIONS", "get"] {
                let reply = page(route.rawValue, of: .example, method: method)
                #expect(reply.code == 405)
                #expect(reply.allow == "GET, HEAD")
                #expect(text(reply).contains("\"code\":\"method-not-allowed\""))
            }
        }
    }

    @Test(arguments: ["/", "", "/v1", "/metrics.txt", "/../metrics", "/LIVEZ"])
    func whatIsNotThereIsNotFound(path: String) {
        let reply = page(path, of: .example)
        #expect(reply.code == 404)
        #expect(text(reply).contains("/livez, /readyz, /metrics, /v1/status"))
    }
}
