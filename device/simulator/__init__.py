"""Cards as people and cameras make them: print, punch by an unsteady hand, photograph; the truth written beside it.

Begin with `deck.make_card` (one picture with its truth). `people` decides what is answered, `hand` where holes come,
`scene` where card, camera and lamp are, `photo` what the camera sees.
"""
