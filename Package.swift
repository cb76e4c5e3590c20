// swift-tools-version: 6.3
// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import PackageDescription

/// A release has Swift's runtime in it: one file to install.
///
/// Calls of the runtime go through no table then: an event takes a seventh less.
let runtime: (swift: [SwiftSetting], linker: [LinkerSetting]) = (
    [.unsafeFlags(["-static-stdlib"], .when(configuration: .release))],
    [.unsafeFlags(["-static-stdlib"], .when(configuration: .release))]
)

let shell: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
    ] + runtime.swift

/// The pure ring also refuses unsafe constructs: nothing there touches memory it does not own.
let pure = shell + [.strictMemorySafety()]

let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

/// The allocator of what serves and of what measures it; without it glibc's serves, slower.
///
/// Of glibc's own threads share arenas, and lock them for blocks of an event's size.
let allocator: [LinkerSetting] =
    ["x86_64", "aarch64"].contains {
        FileManager.default.fileExists(atPath: "/usr/lib/\($0)-linux-gnu/libmimalloc.so")
    } ? [.linkedLibrary("mimalloc")] : []

/// libFuzzer's own main replaces ours, so this target is built only when asked for.
let fuzzing = Context.environment["VIGIL_FUZZ"] != nil

let package = Package(
    name: "vigil",
    products: [
        .executable(name: "vigil", targets: ["vigil"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // C: system libraries and syscalls behind narrow headers.
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .target(
            name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "CDigest", linkerSettings: [.linkedLibrary("crypto")]),
        .target(name: "CLinux"),
        .target(name: "CBundledPacks"),

        // Pure: decides and never does.
        .target(
            name: "VigilCore", dependencies: ["CDigest"], swiftSettings: pure,
            linkerSettings: runtime.linker),
        .target(
            name: "VigilCodec", dependencies: ["VigilCore", "CSimdJSON"], swiftSettings: shell),
        .target(name: "VigilCQL", dependencies: ["VigilCore"], swiftSettings: pure),
        .target(
            name: "VigilPacks",
            dependencies: ["VigilCore", "VigilCodec", "VigilCQL", "CBundledPacks", yams],
            exclude: ["Packs"], swiftSettings: shell),

        // Shell: does and never decides.
        .target(
            name: "VigilLog", dependencies: ["VigilCore", "VigilCodec", "CLinux"],
            swiftSettings: shell),
        .target(name: "VigilTransport", dependencies: ["CZeroMQ"], swiftSettings: shell),
        .target(
            name: "VigilClient", dependencies: ["VigilCore", "VigilCodec", "CLinux"],
            swiftSettings: shell),
        .target(
            name: "VigilEngine",
            dependencies: [
                "VigilCore", "VigilCodec", "VigilPacks", "VigilLog", "VigilTransport", "CLinux",
            ],
            swiftSettings: shell),

        .target(
            name: "VigilWeb",
            dependencies: ["VigilCore", "VigilCodec", "VigilEngine"],
            swiftSettings: shell),

        // Root: composition, lifecycle and the command line.
        .target(
            name: "VigilSimulation", dependencies: ["VigilCore"], swiftSettings: pure),
        .target(
            name: "VigilDaemon",
            dependencies: [
                "VigilCore", "VigilCodec", "VigilCQL", "VigilPacks", "VigilLog", "VigilTransport",
                "VigilEngine", "VigilWeb", yams,
            ],
            swiftSettings: shell),
        .executableTarget(
            name: "vigil",
            dependencies: [
                "VigilCore", "VigilCodec", "VigilLog", "VigilPacks", "VigilTransport",
                "VigilEngine", "VigilWeb", "VigilDaemon", "VigilClient", "VigilSimulation",
                "CLinux", argumentParser,
            ],
            swiftSettings: shell, linkerSettings: allocator),

        // Measurement: `deploy/bench` and `deploy/bench-log` run them side by side.
        .executableTarget(
            name: "IntakeReference", dependencies: [],
            linkerSettings: [
                .linkedLibrary("zmq"), .linkedLibrary("simdjson"), .linkedLibrary("crypto"),
            ]),
        .executableTarget(name: "AppendReference", dependencies: []),
        .executableTarget(
            name: "LogBench",
            dependencies: ["VigilLog", "VigilCodec", "VigilCore", argumentParser],
            swiftSettings: shell),
        .target(name: "CParseReference", linkerSettings: [.linkedLibrary("simdjson")]),
        .executableTarget(
            name: "VigilBench",
            dependencies: [
                "CParseReference", "CZeroMQ", "VigilCQL", "VigilCodec", "VigilCore", "VigilEngine",
                "VigilLog", "VigilPacks", argumentParser,
            ],
            swiftSettings: shell, linkerSettings: allocator),

        .testTarget(name: "ArchitectureTests", swiftSettings: shell),
        .testTarget(
            name: "VigilCoreTests", dependencies: ["VigilCore", "VigilPacks"],
            swiftSettings: shell),
        .testTarget(
            name: "VigilCodecTests", dependencies: ["VigilCodec", "VigilCore"],
            exclude: ["Corpus", "OutputExamples"],
            swiftSettings: shell),
        .testTarget(
            name: "VigilCQLTests", dependencies: ["VigilCQL", "VigilCore"], swiftSettings: shell),
        .testTarget(
            name: "VigilPacksTests", dependencies: ["VigilPacks", "VigilCQL", "VigilCore"],
            swiftSettings: shell),
        .testTarget(
            name: "VigilLogTests",
            dependencies: ["VigilLog", "VigilCodec", "VigilCore", "CLinux"],
            swiftSettings: shell),
        .testTarget(
            name: "VigilTransportTests", dependencies: ["VigilTransport"], swiftSettings: shell),
        .testTarget(
            name: "VigilClientTests",
            dependencies: ["VigilClient", "VigilTransport", "VigilCodec", "VigilCore", "vigil"],
            swiftSettings: shell),
        .testTarget(
            name: "VigilEngineTests",
            dependencies: [
                "VigilEngine", "VigilCore", "VigilCodec", "VigilPacks", "VigilLog",
                "VigilSimulation", "VigilTransport", "vigil",
            ],
            swiftSettings: shell),
        .testTarget(
            name: "VigilWebTests",
            dependencies: ["VigilWeb", "VigilEngine", "VigilCore", yams], swiftSettings: shell),
        .testTarget(
            name: "VigilSimulationTests",
            dependencies: ["VigilSimulation", "VigilCodec", "VigilCore", "VigilPacks"],
            swiftSettings: shell),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)

if fuzzing {
    // What the fuzzer is to explore reports its branches to it.
    let explored = [
        "VigilCodec", "VigilCQL", "VigilCore", "VigilClient", "VigilEngine", "VigilTransport",
        "VigilDaemon",
    ]
    for target in package.targets where explored.contains(target.name) {
        target.swiftSettings =
            (target.swiftSettings ?? []) + [
                .unsafeFlags(["-sanitize=fuzzer,address", "-parse-as-library"])
            ]
    }
    for target in package.targets where target.name == "CSimdJSON" {
        target.cxxSettings = [.unsafeFlags(["-fsanitize=fuzzer-no-link,address"])]
    }
    package.targets.append(
        .executableTarget(
            name: "VigilFuzz",
            dependencies: [
                "VigilCodec", "VigilCQL", "VigilCore", "VigilClient", "VigilEngine", "VigilPacks",
                "VigilTransport", "VigilDaemon", "CZeroMQ",
            ],
            swiftSettings: shell + [
                .unsafeFlags(["-sanitize=fuzzer,address", "-parse-as-library"])
            ],
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address"])]))
}
