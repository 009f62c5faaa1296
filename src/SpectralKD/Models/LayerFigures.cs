namespace SpectralKD.Models;

/// <summary>Parameters and multiply-adds of the parts that the families share.</summary>
internal static class LayerFigures
{
    public static long Linear(long inputs, long outputs) => (inputs * outputs) + outputs;

    public static long Norm(long dim) => 2 * dim;

    /// <summary>Two norms, four square linear layers (q, k, v, projection) and the MLP.</summary>
    public static long Block(long dim, long hidden) =>
        (2 * Norm(dim)) + (4 * Linear(dim, dim)) + Linear(dim, hidden) + Linear(hidden, dim);

    /// <summary>Linear layers of a block on <paramref name="tokens"/> tokens, each of which attends to <paramref name="keys"/>.</summary>
    public static long BlockMultiplyAdds(long tokens, long keys, long dim, long hidden) =>
        (4 * tokens * dim * dim) + (2 * tokens * keys * dim) + (2 * tokens * dim * hidden);

    public static long PatchEmbedding(long patch, long dim) => Linear(3 * patch * patch, dim);

    public static long PatchEmbeddingMultiplyAdds(long patches, long patch, long dim) => patches * 3 * patch * patch * dim;

    public static long Hidden(long dim, double ratio) => (long)(dim * ratio);
}
