using System.Diagnostics;
using System.Runtime.Intrinsics.X86;
using TorchSharp;

namespace SpectralKD.Models;

/// <summary>
/// x W^T + b by the faster of libtorch's two libraries. Its <c>linear</c> is MKL's, which leaves half of an AMD processor's AVX-512 unused; a convolution with a 1x1 kernel is the same
/// product by oneDNN, which does not. Which one is measured at the first large layer, and only on processors with AVX-512; elsewhere they are equally fast. The figures
/// differ by rounding, so the answer stays in the cache folder: later processes give the same bits. <c>SPECTRALKD_LINEAR</c> (<c>mkl</c>, <c>onednn</c>, <c>auto</c>) decides without measuring.
/// </summary>
internal static class LinearProduct
{
    /// <summary>Environment variable that chooses the library.</summary>
    internal const string Variable = "SPECTRALKD_LINEAR";

    private const double Gain = 1.25;
    private const long Large = 1L << 24; // multiply-adds from which a layer takes some tenths of a millisecond
    private const int Tries = 5;

    private static readonly Lazy<bool> TakesConvolution =
        new(() => Choose(Environment.GetEnvironmentVariable(Variable)) ?? (Avx512F.IsSupported && Kept(CacheFolder.For("linear", OfMachine()), IsFaster)));

    /// <summary>The product over the last dimension.</summary>
    /// <param name="input">float <c>[…, inputs]</c>.</param>
    /// <param name="weight">float <c>[outputs, inputs]</c>.</param>
    /// <param name="bias">float <c>[outputs]</c>, or null.</param>
    internal static Tensor Of(Tensor input, Tensor weight, Tensor? bias) =>
        Overwriting.Allowed && TakesConvolution is not { IsValueCreated: true, Value: false } && Suits(input, weight) && TakesConvolution.Value
            ? ByConvolution(input, weight, bias)
            : nn.functional.linear(input, weight, bias);

    /// <summary>What the variable says; null where it is to be measured.</summary>
    /// <exception cref="SpectralKDException">It says something else.</exception>
    internal static bool? Choose(string? value) => value?.ToLowerInvariant() switch
    {
        null or "" or "auto" => null,
        "mkl" => false,
        "onednn" => true,
        _ => throw new SpectralKDException($"{Variable} is \"{value}\"; it takes auto, mkl or onednn: set one of them, or unset it"),
    };

    /// <summary>What was measured before on this machine; else what is measured now, which is kept. Of processes that measure at the same time the first to finish decides.</summary>
    /// <param name="path">The file that keeps it; without a folder that can be written each process measures.</param>
    /// <param name="measure">Whether the convolution is faster.</param>
    internal static bool Kept(string path, Func<bool> measure)
    {
        if (Read(path) is { } kept)
        {
            return kept;
        }

        var faster = measure();
        try
        {
            AtomicFile.WriteText(path, faster ? "onednn" : "mkl", replace: false);
        }
        catch (SpectralKDException)
        {
            // Another process was first, or there is no folder to keep it in.
        }

        return Read(path) ?? faster;
    }

    private static bool? Read(string path)
    {
        try
        {
            return Choose(File.ReadAllText(path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or SpectralKDException)
        {
            return null;
        }
    }

    // The processor's family and model, and libtorch, whose products they are.
    private static string OfMachine() => $"{X86Base.CpuId(1, 0).Eax:x8}-libtorch-{LibTorchLocator.LibTorchVersion}";

    /// <summary>The product as a 1x1 convolution on two images with channels last: with one image torch would leave it to MKL.</summary>
    internal static Tensor ByConvolution(Tensor input, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var (rows, inputs, outputs) = (input.numel() / weight.shape[1], weight.shape[1], weight.shape[0]);
        var images = input.contiguous().view(2, rows / 2, 1, inputs).permute(0, 3, 1, 2);                      // (2, inputs, rows/2, 1)
        var product = nn.functional.conv2d(images, weight.view(outputs, inputs, 1, 1), bias);                // (2, outputs, rows/2, 1)
        return product.permute(0, 2, 3, 1).reshape([.. input.shape[..^1], outputs]).MoveToOuterDisposeScope(); // (…, outputs)
    }

    private static bool Suits(Tensor input, Tensor weight) =>
        input.dtype == ScalarType.Float32 && input.device_type == DeviceType.CPU
        && input.numel() / weight.shape[1] % 2 == 0 && input.numel() * weight.shape[0] >= Large;

    // A layer of DeiT-Tiny on eight images, in turns; the best of each.
    private static bool IsFaster()
    {
        using var scope = NewDisposeScope();
        using var recording = no_grad();
        var (input, weight, bias) = (zeros(1576, 192), zeros(768, 192), zeros(768));
        var (plain, other) = (double.MaxValue, double.MaxValue);
        for (var round = 0; round < Tries; round++)
        {
            plain = Math.Min(plain, Seconds(() => nn.functional.linear(input, weight, bias)));
            other = Math.Min(other, Seconds(() => ByConvolution(input, weight, bias)));
        }

        return plain > Gain * other;
    }

    private static double Seconds(Func<Tensor> call)
    {
        var clock = Stopwatch.StartNew();
        using var product = call();
        return clock.Elapsed.TotalSeconds;
    }
}
