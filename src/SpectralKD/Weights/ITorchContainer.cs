using SpectralKD.Weights.Pickle;

namespace SpectralKD.Weights;

/// <summary>One of torch.save's two formats: a pickle, and the numbers of the storages that it names.</summary>
internal interface ITorchContainer : IDisposable
{
    /// <summary>Longest pickle that is read.</summary>
    const int LargestPickle = 64 << 20;

    /// <summary>Reads the pickle as plain data.</summary>
    object? ReadPickle();

    /// <summary>Finds a tensor's bytes and checks that they are there and whole.</summary>
    CheckpointTensor Locate(string key, PickleTensor tensor);
}
