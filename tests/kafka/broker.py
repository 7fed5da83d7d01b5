"""A real Apache Kafka on loopback: one broker for all of a test run's processes.

Java 17 and Maven fetch and run it; where they are not to be had, librdkafka's mock cluster stands in for
what it can, and the run says so. The artifacts are kept in `~/.cache/modelwatch-tests`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

VERSION, LOG4J = "4.1.0", "2.24.3"
CACHE = (
    Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "modelwatch-tests" / f"kafka-{VERSION}"
)
PATIENCE = 60.0
ARTIFACTS = (
    ("org.apache.kafka", "kafka_2.13", VERSION),
    ("org.apache.logging.log4j", "log4j-slf4j-impl", LOG4J),
    ("org.apache.logging.log4j", "log4j-core", LOG4J),
)
DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>modelwatch</groupId><artifactId>broker</artifactId><version>1</version>
<dependencies>{"".join(DEPENDENCY.format(*one) for one in ARTIFACTS)}</dependencies></project>
"""
PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},GUARDED://127.0.0.1:{guarded},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},GUARDED://127.0.0.1:{guarded}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,GUARDED:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
listener.name.guarded.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.guarded.plain.sasl.jaas.config=\
  org.apache.kafka.common.security.plain.PlainLoginModule required user_mw="hush";
listener.name.guarded.scram-sha-256.sasl.jaas.config=\
  org.apache.kafka.common.security.scram.ScramLoginModule required;
log.dirs={folder}/logs
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
log.retention.check.interval.ms=500
log.initial.task.delay.ms=500
log.segment.delete.delay.ms=0
num.network.threads=2
num.io.threads=2
"""


FETCHING = 600.0  # seconds


def jars() -> Path | None:
    """The folder of the broker's artifacts; None where they cannot be had."""
    folder = CACHE / "jars"
    if shutil.which("java") is None:
        return None
    if not folder.is_dir():
        if shutil.which("mvn") is None:
            return None
        build = CACHE.parent / f"fetch-{uuid.uuid4().hex}"
        build.mkdir(parents=True)
        (build / "pom.xml").write_text(POM, encoding="utf-8")
        command = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars"]
        try:
            subprocess.run(command, cwd=build, capture_output=True, check=True, timeout=FETCHING)
        except subprocess.SubprocessError:
            pass
        else:
            CACHE.mkdir(exist_ok=True)
            with contextlib.suppress(OSError):  # another process was first
                (build / "jars").rename(folder)
        shutil.rmtree(build, ignore_errors=True)
    return folder if folder.is_dir() else None


def main() -> None:
    """Fetch the broker before the tests' clocks run, and print `real`, or `mock` where it cannot be had."""
    kind = "mock" if os.environ.get("MODELWATCH_TEST_KAFKA") == "mock" or jars() is None else "real"
    told = {
        "real": "a real Apache Kafka",
        "mock": "librdkafka's mock cluster: Java or Maven is missing",
    }
    sys.stderr.write(f"Kafka tests run against {told[kind]}\n")
    sys.stdout.write(f"{kind}\n")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


class Broker:
    """A broker that keeps its data in a folder; may be killed and started again on the same port.

    Args:
        folder: of its data and its log.
        library: the folder of its artifacts.
    """

    def __init__(self, folder: Path, library: Path) -> None:
        self._folder, self._library = folder, library
        self.port, self.guarded = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        properties = PROPERTIES.format(
            port=self.port, guarded=self.guarded, controller=free_port(), folder=folder
        )
        (folder / "server.properties").write_text(properties, encoding="utf-8")
        logging = "status=off\nrootLogger.level=WARN\nrootLogger.appenderRef.out.ref=OUT\n"
        logging += "appender.out.type=Console\nappender.out.name=OUT\n"
        logging += "appender.out.layout.type=PatternLayout\nappender.out.layout.pattern=%d %p %m%n\n"
        (folder / "log4j2.properties").write_text(logging, encoding="utf-8")
        identity = ["-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", str(folder / "server.properties")]
        format_ = self._java("kafka.tools.StorageTool", "format", "--standalone", *identity)
        subprocess.run(format_, check=True, capture_output=True, timeout=PATIENCE)

    @property
    def address(self) -> str:
        """Its host and port."""
        return f"127.0.0.1:{self.port}"

    def _java(self, *arguments: str) -> list[str]:
        options = [
            "-Xmx512m",
            "-Xms128m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
        ]  # it is to be up soon
        options.append(f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}")
        return ["java", *options, "-cp", f"{self._library}/*", *arguments]

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with (self._folder / "broker.log").open("ab") as log:
            command = self._java("kafka.Kafka", str(self._folder / "server.properties"))
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None, (self._folder / "broker.log").read_text(encoding="utf-8")
            time.sleep(0.05)
        raise TimeoutError((self._folder / "broker.log").read_text(encoding="utf-8"))

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(PATIENCE)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Broker]:
    """A broker for as long as it is needed."""
    library = jars()
    assert library is not None
    broker = Broker(folder, library)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop(signal.SIGKILL)


if __name__ == "__main__":
    main()
