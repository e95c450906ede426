//! Binds an address: names are resolved, and a host that is left out is every one.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::net::TcpSocket;

use crate::gateway::receiver::otlp::ListenAddress;
use crate::gateway::receiver::otlp::Transport;

/// The system's backlog of connections that are not accepted yet.
const BACKLOG: u32 = 1024;

/// Binds the first address of `address` that can be had.
///
/// # Errors
///
/// When none can.
pub(in crate::gateway::receiver) async fn bind(
    address: &ListenAddress,
    transport: Transport,
) -> io::Result<TcpListener> {
    let every = if transport == Transport::Tcp4 { "0.0.0.0" } else { "::" };
    let host = if address.host.is_empty() { every } else { &address.host };
    let mut addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, address.port))
        .await?
        .filter(|address| match transport {
            Transport::Tcp => true,
            Transport::Tcp4 => address.is_ipv4(),
            Transport::Tcp6 => address.is_ipv6(),
        })
        .collect();
    // As Go does: a name that has both is listened to at IPv4.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    if address.host.is_empty() && transport == Transport::Tcp {
        // Where the machine has no IPv6.
        addresses.push((std::net::Ipv4Addr::UNSPECIFIED, address.port).into());
    }
    let mut result = Err(io::Error::from(io::ErrorKind::AddrNotAvailable));
    for address in addresses {
        result = bind_one(address);
        if result.is_ok() {
            break;
        }
    }
    result
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
