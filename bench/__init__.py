"""Measurements: `bench.peers` beside other libraries; every other module measures one part of Turret by itself."""
