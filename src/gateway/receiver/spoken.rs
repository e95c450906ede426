//! What the HTTP library makes of a connection, whichever HTTP it speaks.

use std::convert::Infallible;
use std::pin::Pin;

use bytes::Bytes;
use http::Request;
use http::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::server::conn::http2;
use hyper::service::Service;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;

use crate::gateway::receiver::line::Line;
use crate::gateway::receiver::reply::Reply;

/// A connection that the library serves. In a box, so that a connection takes the memory of
/// what it speaks, and only while it does.
pub(in crate::gateway::receiver) type Served = Pin<Box<dyn Spoken>>;

/// See [`Served`]. Ready when the connection has ended.
pub(in crate::gateway::receiver) trait Spoken:
    Future<Output = hyper::Result<()>> + Send
{
    /// Tells the peer that there will be no further request.
    fn say_goodbye(self: Pin<&mut Self>);

    /// Drops it. What was read of the peer beyond the requests that were answered, where the
    /// library says so.
    fn let_go(self: Pin<Box<Self>>) -> Option<Bytes>;
}

impl<S, F> Spoken for http1::Connection<TokioIo<Line>, S>
where
    S: Service<Request<Incoming>, Response = Response<Reply>, Error = Infallible, Future = F>,
    S: Send + Unpin,
    F: Send + 'static,
{
    fn say_goodbye(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }

    fn let_go(self: Pin<Box<Self>>) -> Option<Bytes> {
        Some(Pin::into_inner(self).into_parts().read_buf)
    }
}

impl<S, F> Spoken for http2::Connection<TokioIo<Line>, S, TokioExecutor>
where
    S: Service<Request<Incoming>, Response = Response<Reply>, Error = Infallible, Future = F>,
    S: Send,
    F: Future<Output = Result<Response<Reply>, Infallible>> + Send + 'static,
{
    fn say_goodbye(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }

    fn let_go(self: Pin<Box<Self>>) -> Option<Bytes> {
        None
    }
}
