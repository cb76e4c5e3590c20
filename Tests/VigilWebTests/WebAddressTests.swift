// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilWeb

/// Where the web may listen.
@Suite struct WebAddressTests {
    @Test(arguments: [
        ("127.0.0.1:5580", "127.0.0.1:5580"), ("127.9.0.1:1", "127.9.0.1:1"),
        ("localhost:65535", "127.0.0.1:65535"), ("[::1]:80", "[::1]:80"),
        ("127.0.0.1:*", "127.0.0.1:0"), ("127.0.0.1:0", "127.0.0.1:0"),
    ])
    func loopbackIsTaken(text: String, read: String) throws {
        #expect(try WebAddress(text).description == read)
    }

    @Test(arguments: [
        "0.0.0.0:5580", "[::]:5580", "*:5580", ":5580", "192.168.1.4:5580", "example.org:5580",
        "127.0.0.1.example.org:5580", "127.1:5580", "127.0.0.01:5580", "127.0.0.+1:5580",
        "::1:5580",
    ])
    func whatOthersCouldReachIsRefused(text: String) {
        let error = #expect(throws: WebError.self) { try WebAddress(text) }
        #expect(error?.description.contains(text) == true)
        #expect(error?.description.contains("127.0.0.1, [::1] or localhost") == true)
        #expect(error?.isTaken == false)
    }

    @Test(arguments: [
        "", "none ", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:+1",
        "127.0.0.1:80/metrics", "127.0.0.1:٣",
    ])
    func whatIsNoAddressIsNamed(text: String) {
        let error = #expect(throws: WebError.self) { try WebAddress(text) }
        #expect(error?.description.contains("cannot serve http on \(text)") == true)
    }
}
