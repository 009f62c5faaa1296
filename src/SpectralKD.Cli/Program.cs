SpectralKD.Native.LibTorch.EnsureLoaded();
Console.WriteLine(SpectralKD.Native.LibTorch.Folder);
Console.WriteLine(TorchSharp.torch.ones(2).sum().item<float>());
