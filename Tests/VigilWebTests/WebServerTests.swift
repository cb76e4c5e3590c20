// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Testing
import VigilWeb

/// The server where it meets the machine; Tests/Python asks it over the wire.
@Suite struct WebServerTests {
    /// Starts a server, on a thread that may block.
    private func serve(_ address: WebAddress) async throws -> WebServer {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result {
                        try WebServer(address: address) {
                            DaemonReport.example
                        } onFailure: { sentence in
                            Issue.record("\(sentence)")
                        }
                    })
            }
        }
    }

    @Test(arguments: ["127.0.0.1:0", "[::1]:*"])
    func aFreePortIsFoundAndTold(text: String) async throws {
        let server = try await serve(try WebAddress(text))
        defer { server.stop() }
        #expect(server.boundAddress.port != 0)
        #expect(server.boundAddress.host == (try WebAddress(text)).host)
    }

    @Test func anAddressThatIsTakenIsNamedWithTheReason() async throws {
        let first = try await serve(try WebAddress("127.0.0.1:0"))
        defer { first.stop() }
        let error = await #expect(throws: WebError.self) {
            try await serve(first.boundAddress)
        }
        #expect(error?.isTaken == true)
        #expect(
            error?.description
                == "cannot serve http on \(first.boundAddress): Address already in use")
    }
}
