"""What a network is made of, layer by layer: sizes, weights, arithmetic, memory, and what it sees.

What is counted, for one picture:

    parameters       weights as Keras counts them: trained ones, and those that are not (moving
                     statistics, fixed centres); what layers share is counted once
    multiply-adds    of convolutions and dense layers, as the papers count: one product and its
                     addition to a sum. At a border of zeros they count like any other. Additions of
                     biases, activations, poolings, normalisations and sums of maps do not count;
                     LeNet-5's distances do, a difference and its square for one. Of connections
                     that do not exist (C3 of LeNet-5) there are none
    neurons          outputs of these convolutions and dense layers
    activations      numbers in the output of a layer
    receptive field  pixels of the picture, along one side, that one unit depends on: from its
                     window, the distance of neighbours' windows, and what these see. "all" behind
                     poolings of whole maps, and in dense layers; not known behind maps that were
                     enlarged, whose units see more or less by where they lie
    memory           in training: weights, their gradients, what the optimiser keeps of them, and
                     for each picture of a batch every layer's output once, in its precision.
                     Frameworks keep some more, and some less

A layer whose arithmetic is not known here (`Lambda`, recurrent and attention layers, those of
others) has its weights counted, and is named as one whose multiply-adds are not.
"""
