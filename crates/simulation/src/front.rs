//! What stands before the nodes: it gives each request to any of them.

use std::cell::RefCell;
use std::io;

use api::in_process::{Answer, Client};
use bytes::Bytes;
use fastrand::Rng;
use http::Request;

use crate::house::House;

/// What stands before the nodes.
pub(crate) struct Front {
    nodes: Vec<Client>,
    rng: RefCell<Rng>,
}

impl Front {
    pub(crate) fn of(houses: &[House], seed: u64) -> Self {
        let nodes = houses.iter().map(House::client).collect();
        Self { nodes, rng: RefCell::new(Rng::with_seed(seed)) }
    }

    /// Makes a request of any node.
    pub(crate) async fn request(&self, request: Request<Bytes>) -> io::Result<Answer> {
        let place = self.rng.borrow_mut().usize(0..self.nodes.len());
        self.nodes[place].request(request).await
    }
}
