// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc

/// Measures readings of devices against prescriptions at one server, in turn, so that what disturbs
/// one disturbs the other.
struct DevicesBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices",
        abstract: "Measure a reading a second of many devices against the same many prescriptions.")

    @OptionGroup
    var publishing: PublishingOptions

    @Option(help: "Readings, and prescriptions, to send in each round.")
    var events = 100_000

    @Option(help: "Rounds of both.")
    var rounds = 5

    @Option(help: "Devices, each of a patient of its own.")
    var devices = 1000

    func validate() throws {
        guard (1...10_000_000).contains(events), (1...99).contains(rounds),
            (1...1_000_000).contains(devices)
        else {
            throw ValidationError("a number is out of its range; see --help")
        }
    }

    func run() throws {
        let workload = Workload(
            events: events * rounds, patients: devices, flaggedPerThousand: 0,
            day: Workload.today())
        let publisher = try publishing.publisher()
        _ = try publisher.publishAccepted(workload.preparation())
        let prescriptions = workload.prescriptions()
        let readings = Readings(count: events * rounds, devices: devices).messages()
        var rates: (prescriptions: [Double], readings: [Double], ratios: [Double]) = ([], [], [])
        for round in 0..<rounds {
            let first = try rate(of: prescriptions, round, publisher)
            let second = try rate(of: readings, round, publisher)
            rates.prescriptions.append(first)
            rates.readings.append(second)
            rates.ratios.append(second / first)
        }
        print(
            """
            {"devices":\(devices),"events":\(events),"rounds":\(rounds),\
            "prescriptionsPerSecond":\(Int(median(rates.prescriptions))),\
            "readingsPerSecond":\(Int(median(rates.readings))),\
            "ratio":\((median(rates.ratios) * 1000).rounded() / 1000)}
            """)
    }

    /// Events a second of one round's part of all messages.
    private func rate(
        of messages: Messages, _ round: Int, _ publisher: Publisher
    ) throws -> Double {
        var part = messages
        part.messages = Array(messages.messages[round * events..<(round + 1) * events])
        let result = try publisher.publishAccepted(part)
        guard result.accepted == events else {
            throw BenchError(description: "The log is not new: it has these events already.")
        }
        return Double(result.accepted) / result.seconds
    }

    private func median(_ values: [Double]) -> Double {
        values.sorted()[values.count / 2]
    }
}

/// Saturation and pulse of pulse oximeters, each device a reading a second up to now.
private struct Readings {
    var count: Int
    var devices: Int

    func messages() -> Messages {
        var made = Messages()
        made.bytes.reserveCapacity(count * 600)
        made.messages.reserveCapacity(count)
        let start = time(nil) - count / devices - 2
        for number in 0..<count {
            let (second, device) = number.quotientAndRemainder(dividingBy: devices)
            let isSaturation = (second + device) % 2 == 0
            let code = isSaturation ? "59408-5" : "8867-4"
            let value = isSaturation ? 95 + (second + device) % 5 : 60 + (second * 7 + device) % 30
            let unit = isSaturation ? "%" : "/min"
            let stamp = Self.text(of: start + second)
            made.append(
                topic: "device.BENCH1",
                event: """
                    {"specversion":"1.0","id":"r\(number)","source":"urn:vigil:bench:devices",\
                    "type":"health.vigil.device.created.v1","subject":"bench-\(device)",\
                    "time":"\(stamp)","datacontenttype":"application/fhir+json","data":\
                    {"resourceType":"Observation","id":"r\(number)","status":"final",\
                    "code":{"coding":[{"system":"http://loinc.org","code":"\(code)"}]},\
                    "subject":{"reference":"Patient/bench-\(device)"},\
                    "device":{"reference":"Device/oximeter-\(device)"},\
                    "effectiveDateTime":"\(stamp)","valueQuantity":{"value":\(value),\
                    "unit":"\(unit)","system":"http://unitsofmeasure.org","code":"\(unit)"}}}
                    """)
        }
        return made
    }

    private static func text(of second: Int) -> String {
        var second = second
        var parts = tm()
        gmtime_r(&second, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
            + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
    }
}
