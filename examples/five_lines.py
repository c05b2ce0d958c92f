"""Prints what the wearer of a recording did."""

from device import Recognizer, read_recording

recognizer = Recognizer("wrist")
for samples in read_recording("examples/wrist.csv.gz"):
    for decision in recognizer.push(samples):
        print(decision.start_s, decision.state, decision.activity)
