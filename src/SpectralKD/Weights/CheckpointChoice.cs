using SpectralKD.Weights.Pickle;

namespace SpectralKD.Weights;

/// <summary>
/// Finds the state_dict in what a training script saved: under <c>model</c> (DeiT, Swin, SpectralKD) or <c>state_dict</c> (timm,
/// Lightning), the averaged copy under <c>model_ema</c> or <c>state_dict_ema</c>, or the whole file. As timm's
/// <c>load_state_dict(use_ema=…)</c>, except that the average is taken only when asked for.
/// </summary>
internal static class CheckpointChoice
{
    private static readonly string[] PlainNames = ["state_dict", "model"];
    private static readonly string[] AveragedNames = ["state_dict_ema", "model_ema"];

    /// <summary>The tensors of the chosen part by key.</summary>
    public static IReadOnlyDictionary<string, PickleTensor> Choose(object? root, bool ema)
    {
        if (root is not PickleDict file)
        {
            throw new SpectralKDException("it holds no dictionary of tensors; save model.state_dict() instead of single values or lists");
        }

        var state = (ema ? AveragedNames : PlainNames)
            .Select(name => file.Entries.GetValueOrDefault(name)).OfType<PickleDict>().FirstOrDefault(HasTensors);
        if (ema && state is null)
        {
            throw new SpectralKDException($"it holds no averaged weights (model_ema or state_dict_ema); it has: {Names(file)}");
        }

        state ??= file;
        return HasTensors(state)
            ? Tensors(state)
            : throw new SpectralKDException($"it holds no state_dict (under 'model', 'state_dict' or at the top); it has: {Names(file)}");
    }

    private static bool HasTensors(PickleDict state) => state.Entries.Values.Any(value => value is PickleTensor);

    private static Dictionary<string, PickleTensor> Tensors(PickleDict state) =>
        state.Entries.Where(pair => pair.Value is PickleTensor)
            .ToDictionary(pair => pair.Key, pair => (PickleTensor)pair.Value!, StringComparer.Ordinal);

    private static string Names(PickleDict file)
    {
        const int shown = 10;
        var names = file.Entries.Keys.Take(shown).Select(key => key.Length > 60 ? key[..60] + "…" : key);
        return file.Entries.Count == 0 ? "nothing" : string.Join(", ", names) + (file.Entries.Count > shown ? ", …" : "");
    }
}
