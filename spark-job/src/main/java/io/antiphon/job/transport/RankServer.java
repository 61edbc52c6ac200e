package io.antiphon.job.transport;

import io.antiphon.tensor.CommException;
import org.apache.spark.network.TransportContext;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.client.TransportClientFactory;
import org.apache.spark.network.server.NoOpRpcHandler;
import org.apache.spark.network.server.RpcHandler;
import org.apache.spark.network.server.TransportServer;

/**
 * One executor's end of all connections of one attempt: accepts those of its peers, opens its own.
 */
final class RankServer implements AutoCloseable {
  private final Wire wire;
  private final TransportContext accepting;
  private final TransportContext opening;
  private final TransportServer server;
  private final TransportClientFactory connections;

  private RankServer(Wire wire, TransportContext accepting, TransportServer server) {
    this.wire = wire;
    this.accepting = accepting;
    this.server = server;
    // A peer answers on connections that we opened, it never asks there.
    this.opening = new TransportContext(wire.conf(), new NoOpRpcHandler(), false, true);
    this.connections = opening.createClientFactory(wire.outgoing());
  }

  /**
   * Listens.
   *
   * @param inbound takes what peers send
   * @throws CommException if no port is free
   */
  static RankServer open(Wire wire, RpcHandler inbound) {
    TransportContext accepting = new TransportContext(wire.conf(), inbound, false, false);
    CommException refused =
        new CommException(
            "cannot listen on " + wire.host() + ", port " + wire.ports() + "; see " + Wire.PORT);
    for (int port : wire.ports()) {
      try {
        return new RankServer(
            wire, accepting, accepting.createServer(wire.host(), port, wire.incoming()));
      } catch (Exception e) { // Netty throws checked exceptions undeclared
        refused.addSuppressed(e);
      }
    }
    accepting.close();
    throw refused;
  }

  /** Host under which peers reach it. */
  String host() {
    return wire.host();
  }

  /** Port it listens on. */
  int port() {
    return server.getPort();
  }

  /**
   * Opens a connection and proves who we are.
   *
   * @throws CommException if the peer cannot be reached or does not accept us
   */
  TransportClient connect(Placement peer) {
    try {
      return connections.createUnmanagedClient(peer.host(), peer.port());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommException("interrupted while connecting to " + peer.address(), e);
    } catch (Exception e) { // Netty throws checked exceptions undeclared
      throw new CommException("cannot connect to " + peer.address() + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    connections.close();
    server.close();
    opening.close();
    accepting.close();
  }
}
